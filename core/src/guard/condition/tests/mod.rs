mod public_cases;
mod refusals;
mod textproto;
