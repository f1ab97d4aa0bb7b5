"""A short text to learn by heart."""

TEXT = """the tide comes in, the tide goes out,
it turns the little boats about;
the moon looks down and pulls the sea
by one long thread that none can see.
six hours up, six hours down,
it fills the harbour of the town,
then leaves the crabs, the weed, the stones,
and one old anchor's rusty bones.
so count the steps from wall to foam,
for what went out is coming home.
"""
