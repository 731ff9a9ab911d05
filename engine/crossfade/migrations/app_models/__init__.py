"""What a plan means for the file with an app's models: as the new version has it, and as it is after contract."""
