"""A small server that speaks Claude's Messages API, so that CPDS can be tried and tested without a key.

It answers per role, plausibly and deterministically, and can be told from a
file how to behave. It is plain ASGI and knows neither Django nor the ledger.
"""
