"""The data types of moza-mail.

They are immutable, and use no disk, network, clock or random numbers.
"""
