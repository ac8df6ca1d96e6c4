"""The ear and the voice: hear a person, ask the models, answer through a view."""
