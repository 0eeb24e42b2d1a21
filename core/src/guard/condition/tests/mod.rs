mod public_cases;
mod textproto;
