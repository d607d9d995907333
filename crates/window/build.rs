//! Compiles the markup, with the translations inside.

fn main() -> Result<(), slint_build::CompileError> {
    let settings = slint_build::CompilerConfiguration::new()
        .with_style("fluent-light".into())
        // One string has one translation, wherever it stands.
        .with_default_translation_context(slint_build::DefaultTranslationContext::None)
        .with_bundled_translations("lang")
        // Names of elements stay in: the tests find elements by them.
        .with_debug_info(true);
    slint_build::compile_with_config("ui/app.slint", settings)
}
