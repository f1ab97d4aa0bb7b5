"""Past one process and one machine: the same verbs over many."""
