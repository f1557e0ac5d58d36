"""The control plane under load and under faults: real servers, a real database, a journal and a checker."""
