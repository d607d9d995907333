//! Compiles the markup, with the translations inside.

fn main() -> Result<(), slint_build::CompileError> {
    let settings = slint_build::CompilerConfiguration::new()
        .with_style("fluent-light".into())
        .with_bundled_translations("lang");
    slint_build::compile_with_config("ui/app.slint", settings)
}
