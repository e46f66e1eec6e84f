"""What a kernel shows: taken in whatever it is, kept bounded and valid, made safe for people's eyes."""
