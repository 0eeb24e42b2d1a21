mod refusals;
mod public_cases;
mod textproto;
