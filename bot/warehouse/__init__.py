"""The company's own engines, which are asked by SQL for what customers used."""
