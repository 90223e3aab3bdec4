#!/bin/sh
# Take steps of a deployment with this checkout's own Python; azd gives its environment's values to its hooks.
set -eu
cd "$(dirname "$0")/../.."

if [ ! -x .venv/bin/python ]; then
    echo "This checkout has no Python of its own yet. Run: make deployer" >&2
    exit 1
fi
# The steps and the commands of `az` beside them must be the same person's.
AZURE_TOKEN_CREDENTIALS="${AZURE_TOKEN_CREDENTIALS:-AzureCliCredential}"
export AZURE_TOKEN_CREDENTIALS
exec .venv/bin/python -m deploying "$@"
