"""How much personal data a redactor leaves, and how much else it takes: ours beside others."""
