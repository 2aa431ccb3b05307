"""From intent to rules: terms that no substrate owns, and one renderer a target."""
