# Resources of both modes, and container instances. Sourced by deploy.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154

build_azure() {
	say "resource group"
	run az group create --name "$group" --location "$location" --tags "owner=$prefix" application=parley
	set_state LOCATION "$location"
	set_state MODE "$mode"
	build_registry
	for p in $(names); do
		build_identity "$p"
		build_vault "$p"
	done
	[ "$snooper" = no ] || build_identity snooper
}

build_registry() {
	say "registry $registry, without an admin user"
	run az acr create --resource-group "$group" --name "$registry" --location "$location" --sku Basic --admin-enabled false
	set_state REGISTRY "$registry"
	say "image $digest"
	# The token is never a word of a command, which others on this machine could see.
	token=$(query token az acr login --name "$registry" --expose-token --query accessToken --output tsv)
	show skopeo login --username 00000000-0000-0000-0000-000000000000 --password-stdin --authfile "$dir/auth.json" "$server"
	if [ "$dry" = no ]; then
		printf '%s\n' "$token" | skopeo login --username 00000000-0000-0000-0000-000000000000 --password-stdin --authfile "$dir/auth.json" "$server" > /dev/null
	fi
	token=
	# The digest is what the deployment names, so it must not change on the way.
	run skopeo copy --preserve-digests --authfile "$dir/auth.json" oci:build/image/oci "docker://$server/parley:${digest#sha256:}"
	rm -f "$dir/auth.json"
}

build_identity() {
	say "identity of $1"
	run az identity create --resource-group "$group" --name "$(identity_of "$1")" --location "$location"
	principal=$(principal_of "$1")
	insist az role assignment create --assignee-object-id "$principal" --assignee-principal-type ServicePrincipal --role AcrPull \
		--scope "$scope/Microsoft.ContainerRegistry/registries/$registry"
}

principal_of() {
	query "principal-of-$1" az identity show --resource-group "$group" --name "$(identity_of "$1")" --query principalId --output tsv
}

build_vault() {
	vault=$(vault_of "$1")
	say "vault $vault of $1"
	if [ -z "$(look az keyvault show --resource-group "$group" --name "$vault" --query id --output tsv)" ]; then
		if [ -n "$(look az keyvault list-deleted --resource-type vault --query "[?name=='$vault'].name" --output tsv)" ]; then
			run az keyvault recover --name "$vault" --location "$location"
		else
			set -- "$1" az keyvault create --resource-group "$group" --name "$vault" --location "$location" --sku premium \
				--enable-rbac-authorization true --retention-days 7
			[ "$protection" = no ] || set -- "$@" --enable-purge-protection true
			party=$1
			shift
			run "$@"
			set -- "$party"
		fi
	fi
	set_state PROTECTION "$protection"
	me=$(query signed-in-user az ad signed-in-user show --query id --output tsv)
	insist az role assignment create --assignee-object-id "$me" --assignee-principal-type User --role 'Key Vault Crypto Officer' --scope "$(vault_id "$1")"
}

# What build made must be there before anything is decided.
find_azure() {
	[ "$dry" = yes ] || [ -n "$(get_state REGISTRY)" ] || die "run deploy.sh build --prefix $prefix first"
	[ "$dry" = yes ] || [ "$(get_state MODE)" = "$mode" ] || die "built for the other mode: with or without --aks as then"
}

# --- Values and policies ---

# Tokens are made once; only their hashes go anywhere.
operator_hash() {
	if [ ! -s "$dir/$1.token" ]; then
		[ "$dry" = no ] || { printf '%064d\n' 0; return; }
		od -An -v -tx1 -N 32 /dev/urandom | tr -d ' \n' > "$dir/$1.token"
	fi
	sha256sum < "$dir/$1.token" | cut -c1-64
}

# The pages that may be shown side by side.
origins() {
	for p in $(names); do
		printf '%s%s' "$comma" "$(address_of "$p")"
		comma=,
	done
	[ "$mode" = aks ] || [ "$snooper" = no ] || printf ',%s' "$(address_of snooper)"
}
comma=

# Where the other parties reach one.
peer_of() { if [ "$mode" = aci ]; then echo "$(fqdn_of "$1"):8444"; else echo "$balancer:$(peer_port_of "$1")"; fi; }

write_values() {
	{
		printf '{\n "MAA": "%s",\n "ORIGINS": "%s"' "$maa" "$(origins)"
		for p in $(names); do
			up=$(upper "$p")
			client=$(query "00000000-0000-0000-0000-000000000000" az identity show --resource-group "$group" --name "$(identity_of "$p")" --query clientId --output tsv)
			printf ',\n "%s_AKV": "%s.vault.azure.net",\n "%s_CLIENT_ID": "%s",\n "%s_PEER": "%s",\n "%s_OPERATOR_SHA256": "%s"' \
				"$up" "$(vault_of "$p")" "$up" "$client" "$up" "$(peer_of "$p")" "$up" "$(operator_hash "$p")"
		done
		printf '\n}\n'
	} > "$dir/values.json"
}

# make_policies TARGET
make_policies() {
	say "policies"
	write_values
	# shellcheck disable=SC2046 # paths without blanks, checked
	set -- policy generate --layer build/image/layer.tar --platform policy/platform.json --target "$1" --values "$dir/values.json" \
		--out "$dir/policy" $([ "$fragment" = yes ] || echo --no-fragment) $(cut -d' ' -f2 "$dir/parties")
	show "$ctl" "$@"
	"$ctl" "$@" | sed 's/^/         HOST_DATA /'
}

# --- Keys ---

# The key has its release policy from the moment it exists. A key that has this policy is kept; for another one a new
# version is made, because a policy once given is not loosened. There is no fallback.
make_key() {
	key=$(sed -n 1p "$dir/policy/$1.key")
	hash=$(sha256sum < "$dir/policy/$1.release.json" | cut -c1-64)
	say "key $key of $1"
	have=$(look az keyvault key show --vault-name "$(vault_of "$1")" --name "$key" --query tags.policy --output tsv)
	if [ "$have" = "$hash" ]; then
		say "the key has this policy already"
	else
		insist az keyvault key create --vault-name "$(vault_of "$1")" --name "$key" --kty RSA-HSM --size "$key_size" \
			--ops wrapKey unwrapKey encrypt decrypt --exportable true --policy "$dir/policy/$1.release.json" --tags "policy=$hash"
	fi
	# Who may ask is one thing, who gets an answer the release policy: both are narrow.
	sed 1d "$dir/policy/$1.key" > "$dir/readers"
	while read -r reader; do
		principal=$(principal_of "$reader")
		insist az role assignment create --assignee-object-id "$principal" --assignee-principal-type ServicePrincipal \
			--role 'Key Vault Crypto Service Release User' --scope "$(vault_id "$1")/keys/$key" < /dev/null
	done < "$dir/readers"
}

make_keys() {
	for p in $(names); do
		[ ! -f "$dir/policy/$p.key" ] || make_key "$p"
	done
}

# --- Container instances ---

fqdn_of() { echo "$(label_of "$1").$location.azurecontainer.io"; }

deploy_aci() {
	make_policies aci
	for p in $(names); do
		write_aci "$p" > "$dir/$p.template.json"
	done
	[ "$snooper" = no ] || write_snooper > "$dir/snooper.template.json"
	say "templates to read: $dir/*.template.json"
	make_keys
	for p in $(names) $([ "$snooper" = no ] || echo snooper); do
		say "container of $p"
		run az deployment group create --resource-group "$group" --name "parley-$p" --template-file "$dir/$p.template.json"
	done
}

# --- After ---

address_of() {
	if [ "$mode" = aci ]; then echo "https://$(fqdn_of "$1"):8443"; else echo "https://${balancer:-$(get_state BALANCER)}:$(port_of "$1")"; fi
}

wait_for() {
	show curl --silent --insecure --head --max-time 5 --output /dev/null "$1/health"
	[ "$dry" = no ] || return 0
	tries=1
	until curl --silent --insecure --head --max-time 5 --output /dev/null "$1/health"; do
		[ $tries -lt "${DEPLOY_TRIES:-60}" ] || die "$1 does not answer"
		tries=$((tries + 1))
		sleep "${DEPLOY_WAIT:-5}"
	done
}

verify_all() {
	sides=
	for p in $(names); do
		url=$(address_of "$p")
		say "waiting for $p"
		wait_for "$url"
		run "$ctl" verify "$url" --host-data "$(cat "$dir/policy/$p.hostdata")"
		sides="$sides $url"
		[ "$dry" = yes ] || say "$p is verified: $(cat "$dir/policy/$p.hostdata"). Its operator's token: $dir/$p.token"
	done
	say "side by side: $(address_of "$(names | head -n 1)")/compare"
}

show_status() {
	run az group show --name "$group" --query '{location:location,state:properties.provisioningState}' --output table
	look az resource list --resource-group "$group" --query '[].{type:type,name:name}' --output table
	[ ! -f "$dir/state" ] || sed 's/^/         /' "$dir/state"
	for f in "$dir"/policy/*.hostdata; do
		[ ! -f "$f" ] || echo "         HOST_DATA $(cat "$f") $(basename "$f" .hostdata)"
	done
}

clean_up() {
	say "everything in $group:"
	look az resource list --resource-group "$group" --query '[].{type:type,name:name}' --output table
	ask "Delete all of this?"
	say "deleting"
	run az group delete --name "$group" --yes
	for p in $(names); do
		if [ "$(get_state PROTECTION)" = no ]; then
			run az keyvault purge --name "$(vault_of "$p")" --location "$location"
		else
			say "vault $(vault_of "$p") is purge-protected: it stays deleted but recoverable for 7 days, then goes by itself"
		fi
	done
	[ "$dry" = yes ] || rm -rf "$dir"
}
