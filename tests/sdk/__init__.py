"""Tests that drive the real SDKs, each in an environment of its own."""
