"""Classification heads beside the generator: LoRA on some middle layers, and a reading of what they say."""
