"""JSON Schema of the owner's files, for editors: made from the models, so that it says what they say."""
