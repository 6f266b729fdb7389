"""Ways out of confinement, tried on purpose: by the doctor, to see that each is stopped."""
