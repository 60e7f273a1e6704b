"""Do the items measure what they should, and how precisely?"""
