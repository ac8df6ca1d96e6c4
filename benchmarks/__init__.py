"""What it costs, as ratios taken in one run beside a floor on the same machine."""
