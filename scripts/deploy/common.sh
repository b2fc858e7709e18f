# What the parts of deploy.sh share: talking, running, names, state. Sourced, not run.
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # the options are set by deploy.sh, the names used by the other parts

begun=$(date +%s)
die() { echo "deploy: $*" >&2; exit 1; }
say() { printf '[%4d s] %s\n' $(($(date +%s) - begun)) "$*"; }

# The words of a command as they would be typed.
show() {
	printf '         $' >&3
	for word; do
		case $word in
		''|*[!A-Za-z0-9_./:=@,+%-]*) printf " '%s'" "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")" >&3 ;;
		*) printf ' %s' "$word" >&3 ;;
		esac
	done
	printf '\n' >&3
}
exec 3>&1
ctl=${PARLEYCTL:-build/parleyctl}

# run COMMAND...: shown, and run unless --dry-run.
run() {
	show "$@"
	[ "$dry" = yes ] || "$@" > /dev/null
}

# query PLACEHOLDER COMMAND...: its output; with --dry-run the placeholder.
query() {
	placeholder=$1
	shift
	show "$@"
	if [ "$dry" = yes ]; then
		printf '%s\n' "$placeholder"
	else
		"$@"
	fi
}

# look COMMAND...: its output, empty when what it asks for is not there.
look() {
	show "$@"
	[ "$dry" = yes ] || "$@" 2> /dev/null || true
}

# A new role reaches every server of Azure only after a while: try for two minutes.
insist() {
	show "$@"
	[ "$dry" = no ] || return 0
	tries=1
	until "$@" > /dev/null 2> "$dir/error"; do
		if [ $tries -ge "${DEPLOY_TRIES:-12}" ] || ! grep -qiE 'forbidden|authorization|not authorized|does not exist in the directory|PrincipalNotFound' "$dir/error"; then
			cat "$dir/error" >&2
			return 1
		fi
		say "not yet permitted, trying again"
		tries=$((tries + 1))
		sleep "${DEPLOY_WAIT:-10}"
	done
}

ask() {
	[ "$yes" = no ] && [ "$dry" = no ] || return 0
	printf '%s Type yes: ' "$1"
	read -r answer || answer=
	[ "$answer" = yes ] || die "nothing was changed"
}

# --- State: NAME=VALUE lines; a dry run reads it and does not write it ---
get_state() { sed -n "s/^$1=//p" "$dir/state" 2> /dev/null | tail -n 1; }
set_state() {
	[ "$dry" = no ] || return 0
	{ grep -v "^$1=" "$dir/state" 2> /dev/null || true; echo "$1=$2"; } > "$dir/state.new"
	mv "$dir/state.new" "$dir/state"
}

upper() { printf '%s' "$1" | tr 'a-z-' 'A-Z_'; }
names() { cut -d' ' -f1 "$dir/parties"; }
settings_of() { sed -n "s/^$1 //p" "$dir/parties"; }

# The region's shared attestation service: shared<code>.<code>.attest.azure.net.
maa_of() {
	code=$(tr ' ' '\n' << 'END' | sed -n "s/^$1=//p"
eastus=eus eastus2=eus2 westus=wus westus2=wus2 westus3=wus3 centralus=cus northcentralus=ncus southcentralus=scus westcentralus=wcus
canadacentral=cac canadaeast=cae northeurope=neu westeurope=weu uksouth=uks ukwest=ukw francecentral=frc francesouth=frs
germanywestcentral=dewc germanynorth=den switzerlandnorth=swn switzerlandwest=sww swedencentral=sec swedensouth=ses norwayeast=noe
norwaywest=now polandcentral=plc italynorth=itn spaincentral=esc eastasia=easia southeastasia=sasia japaneast=jpe japanwest=jpw
koreacentral=krc koreasouth=krs australiaeast=eau australiasoutheast=sau australiacentral=cau centralindia=cin southindia=sin
westindia=win uaenorth=uaen uaecentral=uaec israelcentral=ilc southafricanorth=san southafricawest=saw brazilsouth=sbr brazilsoutheast=sebr
END
)
	[ -n "$code" ] || die "no shared attestation service is known for region $1: name one with --maa"
	echo "shared$code.$code.attest.azure.net"
}

# Directory, parties, names. Nothing is asked of Azure here.
prepare() {
	dir=build/deploy/$prefix
	if [ "$dry" = yes ]; then
		# Reads the state of a real deployment, touches nothing of it.
		mkdir -p "$dir.dry-run"
		cp "$dir/state" "$dir.dry-run/state" 2> /dev/null || rm -f "$dir.dry-run/state"
		dir=$dir.dry-run
	fi
	mkdir -p "$dir"
	[ -n "$location" ] || location=$(get_state LOCATION)
	[ -n "$location" ] || location=eastus
	[ -n "$maa" ] || maa=$(maa_of "$location")
	if [ -n "$parties" ]; then
		grep -v '^ *\(#\|$\)' "$parties" > "$dir/parties" || die "$parties names no parties"
		grep -qvE '^[a-z0-9-]{1,20} [^ ]+$' "$dir/parties" && die "$parties: lines must be \"NAME SETTINGS.json\""
	else
		for p in contoso fabrikam woodgrove; do echo "$p policy/parties/$p.json"; done > "$dir/parties"
	fi
	for p in $(names); do
		[ -f "$(settings_of "$p")" ] || die "$(settings_of "$p") is not there"
	done
	group=rg-parley-$prefix
}

check_tools() {
	missing=
	need() { command -v "$1" > /dev/null 2>&1 || missing="$missing $1"; }
	[ -x "$ctl" ] || die "run make image first"
	[ -f build/image/oci/index.json ] || die "run make image first"
	if [ "$dry" = no ]; then
		need az
		need curl
		[ "$command" != build ] || need skopeo
		[ "$mode" = aci ] || { need kubectl; [ "$command" != build ] || { need helm; need git; }; }
		[ -z "$missing" ] || die "not installed:$missing"
		az account show > /dev/null 2>&1 || die "not signed in: run az login"
	fi
	say "$command, prefix $prefix, $location, $([ "$mode" = aci ] && echo 'container instances' || echo 'virtual nodes of AKS')$([ "$dry" = no ] || echo ', DRY RUN: nothing is run')"
	subscription=$(query 00000000-0000-0000-0000-000000000000 az account show --query id --output tsv)
	# Names that must be the only ones in the world get a part of their own.
	suffix=$(printf '%s %s' "$subscription" "$prefix" | sha256sum | cut -c1-6)
	[ -n "$registry" ] || registry=$(get_state REGISTRY)
	[ -n "$registry" ] || registry=parley$prefix$suffix
	server=$registry.azurecr.io
	scope=/subscriptions/$subscription/resourceGroups/$group/providers
	digest=$(sed -n 's/^image *//p' build/image/digests)
	image=$server/parley@$digest
}

# At most 24 characters, so the party's number stands for its name.
number_of() { names | grep -nx "$1" | cut -d: -f1; }
vault_of() { echo "kv-$prefix-$suffix-$(number_of "$1")"; }
identity_of() { echo "id-$prefix-$1"; }
identity_id() { echo "$scope/Microsoft.ManagedIdentity/userAssignedIdentities/$(identity_of "$1")"; }
vault_id() { echo "$scope/Microsoft.KeyVault/vaults/$(vault_of "$1")"; }
label_of() { echo "$prefix-$suffix-$1"; }
