# Resources of both modes, and container instances. Sourced by deploy.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154

build_azure() {
	say "resource group"
	run az group create --name "$group" --location "$location" --tags "owner=$prefix" application=parley
	set_state LOCATION "$location"
	set_state MODE "$mode"
	build_registry
	for p in $names; do
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
		skopeo login --username 00000000-0000-0000-0000-000000000000 --password-stdin --authfile "$dir/auth.json" "$server" > /dev/null << END
$token
END
	fi
	token=
	# The digest is what the deployment names, so it must not change on the way.
	run skopeo copy --preserve-digests --authfile "$dir/auth.json" oci:build/image/oci "docker://$server/parley:${digest#sha256:}"
	rm -f "$dir/auth.json"
}

build_identity() {
	say "identity of $1"
	run az identity create --resource-group "$group" --name "id-$prefix-$1" --location "$location"
	principal=$(principal_of "$1")
	insist az role assignment create --assignee-object-id "$principal" --assignee-principal-type ServicePrincipal --role AcrPull \
		--scope "$scope/Microsoft.ContainerRegistry/registries/$registry"
}

principal_of() {
	query "principal-of-$1" az identity show --resource-group "$group" --name "id-$prefix-$1" --query principalId --output tsv
}

build_vault() {
	vault=$(vault_of "$1")
	vault_id=$(vault_id "$1")
	say "vault $vault of $1"
	found=$(look az keyvault show --resource-group "$group" --name "$vault" --query id --output tsv)
	if [ -z "$found" ]; then
		deleted=$(look az keyvault list-deleted --resource-type vault --query "[?name=='$vault'].name" --output tsv)
		if [ -n "$deleted" ]; then
			run az keyvault recover --name "$vault" --location "$location"
		else
			set -- az keyvault create --resource-group "$group" --name "$vault" --location "$location" --sku premium \
				--enable-rbac-authorization true --retention-days 7
			[ "$protection" = no ] || set -- "$@" --enable-purge-protection true
			run "$@"
		fi
	fi
	set_state PROTECTION "$protection"
	me=$(query signed-in-user az ad signed-in-user show --query id --output tsv)
	insist az role assignment create --assignee-object-id "$me" --assignee-principal-type User --role 'Key Vault Crypto Officer' --scope "$vault_id"
}

# What build made must be there before anything is decided.
find_azure() {
	[ "$dry" = no ] || return 0
	built=$(get_state REGISTRY)
	[ -n "$built" ] || die "run deploy.sh build --prefix $prefix first"
	built=$(get_state MODE)
	[ "$built" = "$mode" ] || die "built for the other mode: with or without --aks as then"
}

# --- Values and policies ---

# Tokens are made once; only their hashes go anywhere.
operator_hash() {
	if [ ! -s "$dir/$1.token" ]; then
		[ "$dry" = no ] || { printf '%064d\n' 0; return; }
		bytes=$(od -An -v -tx1 -N 32 /dev/urandom)
		token=
		for byte in $bytes; do token=$token$byte; done
		is_hash "$token" || die "no random bytes for the token of $1"
		printf '%s' "$token" > "$dir/$1.token.new"
		mv "$dir/$1.token.new" "$dir/$1.token"
	fi
	sha256_of "$dir/$1.token"
}

# The pages that may be shown side by side.
origins() {
	pages=$names
	[ "$mode" = aks ] || [ "$snooper" = no ] || pages="$pages snooper"
	comma=
	for page in $pages; do
		address=$(address_of "$page")
		printf '%s%s' "$comma" "$address"
		comma=,
	done
}

# Where the other parties reach one.
peer_of() {
	if [ "$mode" = aci ]; then
		fqdn=$(fqdn_of "$1")
		echo "$fqdn:8444"
	else
		port=$(peer_port_of "$1")
		echo "$balancer:$port"
	fi
}

write_values() {
	origins=$(origins)
	{
		printf '{\n "MAA": "%s",\n "ORIGINS": "%s"' "$maa" "$origins"
		for p in $names; do
			up=$(upper "$p")
			vault=$(vault_of "$p")
			client=$(query "00000000-0000-0000-0000-000000000000" az identity show --resource-group "$group" --name "id-$prefix-$p" --query clientId --output tsv)
			peer=$(peer_of "$p")
			hash=$(operator_hash "$p")
			printf ',\n "%s_AKV": "%s.vault.azure.net",\n "%s_CLIENT_ID": "%s",\n "%s_PEER": "%s",\n "%s_OPERATOR_SHA256": "%s"' \
				"$up" "$vault" "$up" "$client" "$up" "$peer" "$up" "$hash"
		done
		printf '\n}\n'
	} > "$dir/values.json"
}

# make_policies TARGET: from nothing, so that no policy and no template of an earlier run can be taken for one of this.
make_policies() {
	say "policies"
	rm -rf "$dir/policy" "$dir/values.json" "$dir/policies"
	rm -f "$dir"/*.template.json "$dir"/*.yaml
	write_values
	set -- policy generate --layer build/image/layer.tar --platform policy/platform.json --target "$1" --values "$dir/values.json" --out "$dir/policy"
	[ "$fragment" = yes ] || set -- "$@" --no-fragment
	for p in $names; do
		settings=$(settings_of "$p")
		set -- "$@" "$settings"
	done
	show "$ctl" "$@"
	"$ctl" "$@" > "$dir/policies"
	for p in $names; do
		check_policy "$p"
		hash=$(hostdata_of "$p")
		echo "         HOST_DATA $hash $p"
	done
}

# --- Keys ---

# The key has its release policy from the moment it exists. A key that has this policy is kept; for another one a new
# version is made, because a policy once given is not loosened. There is no fallback.
make_key() {
	# The first line is the key's name, the others those who get it.
	{ read -r key; while read -r reader; do echo "$reader"; done > "$dir/readers"; } < "$dir/policy/$1.key"
	hash=$(sha256_of "$dir/policy/$1.release.json")
	vault=$(vault_of "$1")
	vault_id=$(vault_id "$1")
	say "key $key of $1"
	have=$(look az keyvault key show --vault-name "$vault" --name "$key" --query tags.policy --output tsv)
	if [ "$have" = "$hash" ]; then
		say "the key has this policy already"
	else
		insist az keyvault key create --vault-name "$vault" --name "$key" --kty RSA-HSM --size "$key_size" \
			--ops wrapKey unwrapKey encrypt decrypt --exportable true --policy "$dir/policy/$1.release.json" --tags "policy=$hash"
	fi
	# Who may ask is one thing, who gets an answer the release policy: both are narrow.
	while read -r reader; do
		principal=$(principal_of "$reader")
		insist az role assignment create --assignee-object-id "$principal" --assignee-principal-type ServicePrincipal \
			--role 'Key Vault Crypto Service Release User' --scope "$vault_id/keys/$key" < /dev/null
	done < "$dir/readers"
}

make_keys() {
	for p in $names; do
		[ ! -f "$dir/policy/$p.key" ] || make_key "$p"
	done
}

# --- Container instances ---

fqdn_of() { echo "$prefix-$suffix-$1.$location.azurecontainer.io"; }

deploy_aci() {
	make_policies aci
	for p in $names; do
		write_aci "$p" > "$dir/$p.template.json"
	done
	groups=$names
	if [ "$snooper" = yes ]; then
		write_snooper > "$dir/snooper.template.json"
		groups="$groups snooper"
	fi
	say "templates to read: $dir/*.template.json"
	make_keys
	for p in $groups; do
		[ "$p" = snooper ] || check_carries "$p" "$dir/$p.template.json"
		say "container of $p"
		run az deployment group create --resource-group "$group" --name "parley-$p" --template-file "$dir/$p.template.json"
	done
}

# --- After ---

address_of() {
	if [ "$mode" = aci ]; then
		fqdn=$(fqdn_of "$1")
		echo "https://$fqdn:8443"
	else
		port=$(port_of "$1")
		echo "https://$balancer:$port"
	fi
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
	for p in $names; do
		url=$(address_of "$p")
		hash=$(hostdata_of "$p")
		say "waiting for $p"
		wait_for "$url"
		run "$ctl" verify "$url" --host-data "$hash"
		[ "$dry" = yes ] || say "$p is verified: $hash. Its operator's token: $dir/$p.token"
	done
	url=$(address_of "$first")
	say "side by side: $url/compare"
}

show_status() {
	list az group show --name "$group" --query '{location:location,state:properties.provisioningState}' --output table
	list az resource list --resource-group "$group" --query '[].{type:type,name:name}' --output table
	[ ! -f "$dir/state" ] || sed 's/^/         /' "$dir/state"
	[ ! -f "$dir/policies" ] || sed 's/^/         HOST_DATA /' "$dir/policies"
}

clean_up() {
	say "everything in $group:"
	list az resource list --resource-group "$group" --query '[].{type:type,name:name}' --output table
	ask "Delete all of this?"
	say "deleting"
	run az group delete --name "$group" --yes
	kept=$(get_state PROTECTION)
	for p in $names; do
		vault=$(vault_of "$p")
		if [ "$kept" = no ]; then
			run az keyvault purge --name "$vault" --location "$location"
		else
			say "vault $vault is purge-protected: it stays deleted but recoverable for 7 days, then goes by itself"
		fi
	done
	[ "$dry" = yes ] || rm -rf "$dir"
}
