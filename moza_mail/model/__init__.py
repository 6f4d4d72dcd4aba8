"""The nouns of moza-mail: frozen values that touch neither disk, network, clock nor chance."""
