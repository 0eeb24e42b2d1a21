//! Writes the Swift half of the calling conventions: `trueup-swift-bindgen LIBRARY FOLDER --swift-sources --headers`.

fn main() {
    uniffi::uniffi_bindgen_swift();
}
