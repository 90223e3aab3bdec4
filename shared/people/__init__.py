"""Who events are about: identity, consent and timeline."""
