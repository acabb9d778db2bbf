"""Dishonest captions against honest ones: does the reward pay for cheating?"""
