"""Where candidates come from: one module a source, reached by name through the registry."""
