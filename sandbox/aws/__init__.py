"""The sandbox's AWS: moto as the account, and a stand-in for the provider plugin that speaks to it."""
