"""From staff to unit: who answered, do they agree, and what is each unit's score?"""
