mod documents;
mod vectors;
