#!/bin/sh
# Put the first master key into the vault; where there is one already, change nothing.
# The key is made here and piped to the vault: it is in no argument, no file and no deployment history.
set -eu

vault="${AZURE_KEY_VAULT_NAME:?azd sets it from the outputs of main.bicep}"
secret=signalbox-master-keys
pause_seconds="${PAUSE_SECONDS:-15}"
deadline=$(($(date +%s) + $(printf '%.0f' "${PATIENCE_SECONDS:-600}")))

find_secret() {
    az keyvault secret list --vault-name "$vault" --query "[?name=='$secret'].name" --output tsv
}

# A role that was granted a moment ago takes some minutes to count.
until found=$(find_secret); do
    if [ "$(date +%s)" -ge "$deadline" ]; then
        echo "The vault $vault does not let you list secrets: you need the role Key Vault Secrets Officer." >&2
        exit 1
    fi
    echo "Waiting for access to the vault $vault"
    sleep "$pause_seconds"
done

if [ -n "$found" ]; then
    echo "The vault $vault has its master keys."
    exit 0
fi

# Made before they are used, so that without openssl nothing is stored.
id=$(openssl rand -hex 4)
key=$(openssl rand -base64 32)
printf '%s:%s' "$id" "$key" |
    az keyvault secret set --vault-name "$vault" --name "$secret" --file /dev/stdin --encoding ascii --output none
echo "The vault $vault has a new master key."
