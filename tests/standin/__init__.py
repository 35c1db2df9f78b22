"""Tests of the embedded Zep."""
