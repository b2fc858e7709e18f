# What the parts of deploy.sh share: talking, running, names, state. Sourced, not run.
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # the options are set by deploy.sh, the names used by the other parts

begun=$(date +%s)
die() { echo "deploy: $*" >&2; exit 1; }
say() {
	now=$(date +%s)
	printf '[%4d s] %s\n' $((now - begun)) "$*"
}

# Every status counts. Hence no pipe whose first part can fail, and no command substitution but as the whole of an assignment:
# the shell drops the status of any other. tests/checks/shell.sh looks for them.

# A word as it would be typed.
quoted() {
	case $1 in
	''|*[!A-Za-z0-9_./:=@,+%-]*) ;;
	*) printf ' %s' "$1"; return ;;
	esac
	left=$1 typed=
	while :; do
		case $left in
		*\'*) typed="$typed${left%%\'*}'\\''" left=${left#*\'} ;;
		*) break ;;
		esac
	done
	printf " '%s'" "$typed$left"
}

show() {
	printf '         $' >&3
	for word; do quoted "$word" >&3; done
	printf '\n' >&3
}
exec 3>&1
ctl=${PARLEYCTL:-build/parleyctl}

# run COMMAND...: shown, and run unless --dry-run.
run() {
	show "$@"
	[ "$dry" = yes ] || "$@" > /dev/null
}

# list COMMAND...: the same, and what it prints is shown.
list() {
	show "$@"
	[ "$dry" = yes ] || "$@"
}

# One word without anything that a template, a list of values or a path would take for more.
is_word() {
	case $1 in
	''|*[!A-Za-z0-9._/:+=-]*) return 1 ;;
	esac
}

# query PLACEHOLDER COMMAND...: its output, one word; with --dry-run the placeholder.
query() {
	answer=$1
	shift
	show "$@"
	[ "$dry" = yes ] || answer=$("$@")
	is_word "$answer" || die "no usable answer ('$answer') from: $*"
	printf '%s\n' "$answer"
}

# A new role reaches every server of Azure only after a while: try for two minutes. What is printed goes to FILE, what is
# said of a failure to $error.
try_to() {
	output=$1
	shift
	tries=1
	until "$@" > "$output" 2> "$dir/error"; do
		error=$(cat "$dir/error") || die "no word of the failure of: $*"
		[ "$tries" -lt "${DEPLOY_TRIES:-12}" ] || return 1
		case $error in
		*[Ff]orbidden*|*[Aa]uthoriz*|*'does not exist in the directory'*|*PrincipalNotFound*) ;;
		*) return 1 ;;
		esac
		say "not yet permitted, trying again" >&3
		tries=$((tries + 1))
		sleep "${DEPLOY_WAIT:-10}"
	done
}

failed() {
	printf '%s\n' "$error" >&2
	die "failed: $*"
}

# insist COMMAND...: shown, and tried until it is permitted.
insist() {
	show "$@"
	[ "$dry" = no ] || return 0
	try_to /dev/null "$@" || failed "$@"
}

# look COMMAND...: its output, empty when what it asks for is not there. Any other failure is one: what cannot be seen is
# not taken for absent.
look() {
	show "$@"
	[ "$dry" = no ] || return 0
	if try_to "$dir/found" "$@"; then
		cat "$dir/found"
		return
	fi
	case $error in
	*NotFound*|*'was not found'*|*'could not be found'*) ;;
	*) failed "$@" ;;
	esac
}

# sha256_of FILE
sha256_of() {
	sum=$(sha256sum < "$1")
	sum=${sum%% *}
	is_hash "$sum" || die "no SHA-256 of $1"
	printf '%s\n' "$sum"
}

is_hash() {
	case $1 in
	*[!0-9a-f]*) return 1 ;;
	esac
	[ ${#1} -eq 64 ]
}

ask() {
	[ "$yes" = no ] && [ "$dry" = no ] || return 0
	printf '%s Type yes: ' "$1"
	read -r answer || answer=
	[ "$answer" = yes ] || die "nothing was changed"
}

# --- State: NAME=VALUE lines; a dry run reads it and does not write it ---
get_state() {
	[ -f "$dir/state" ] || return 0
	kept=
	while IFS='=' read -r name value; do
		[ "$name" != "$1" ] || kept=$value
	done < "$dir/state"
	printf '%s\n' "$kept"
}
set_state() {
	[ "$dry" = no ] || return 0
	{
		if [ -f "$dir/state" ]; then
			while IFS='=' read -r name value; do
				[ "$name" = "$1" ] || echo "$name=$value"
			done < "$dir/state"
		fi
		echo "$1=$2"
	} > "$dir/state.new"
	mv "$dir/state.new" "$dir/state"
}

upper() {
	tr 'a-z-' 'A-Z_' << END
$1
END
}

# settings_of NAME: its settings file.
settings_of() {
	while read -r name settings; do
		[ "$name" != "$1" ] || printf '%s\n' "$settings"
	done < "$dir/parties"
}

# The region's shared attestation service: shared<code>.<code>.attest.azure.net.
maa_of() {
	code=
	for pair in \
		eastus=eus eastus2=eus2 westus=wus westus2=wus2 westus3=wus3 centralus=cus northcentralus=ncus southcentralus=scus westcentralus=wcus \
		canadacentral=cac canadaeast=cae northeurope=neu westeurope=weu uksouth=uks ukwest=ukw francecentral=frc francesouth=frs \
		germanywestcentral=dewc germanynorth=den switzerlandnorth=swn switzerlandwest=sww swedencentral=sec swedensouth=ses norwayeast=noe \
		norwaywest=now polandcentral=plc italynorth=itn spaincentral=esc eastasia=easia southeastasia=sasia japaneast=jpe japanwest=jpw \
		koreacentral=krc koreasouth=krs australiaeast=eau australiasoutheast=sau australiacentral=cau centralindia=cin southindia=sin \
		westindia=win uaenorth=uaen uaecentral=uaec israelcentral=ilc southafricanorth=san southafricawest=saw brazilsouth=sbr brazilsoutheast=sebr; do
		case $pair in "$1="*) code=${pair#*=} ;; esac
	done
	[ -n "$code" ] || die "no shared attestation service is known for region $1: name one with --maa"
	echo "shared$code.$code.attest.azure.net"
}

# The parties, as lines "NAME SETTINGS.json" in $dir/parties, their names also in $names.
read_parties() {
	names='' first=''
	if [ -z "$parties" ]; then
		for p in contoso fabrikam woodgrove; do echo "$p policy/parties/$p.json"; done > "$dir/parties"
	else
		[ -f "$parties" ] || die "$parties: no such file of parties"
		while read -r name settings || [ -n "$name" ]; do
			case $name in ''|'#'*) continue ;; esac
			case $name$settings in
			*[!A-Za-z0-9._/-]*) die "$parties: lines must be \"NAME SETTINGS.json\"" ;;
			esac
			printf '%s %s\n' "$name" "$settings"
		done < "$parties" > "$dir/parties"
	fi
	while read -r name settings; do
		case $name in snooper|*[!a-z0-9-]*) die "$name: a party's name has lower-case letters, digits and -, and is not snooper" ;; esac
		[ ${#name} -le 20 ] || die "$name: a party's name has at most 20 characters"
		[ -f "$settings" ] || die "$name: its settings '$settings' are not there"
		names="$names $name"
		[ -n "$first" ] || first=$name
	done < "$dir/parties"
	[ -n "$names" ] || die "$parties names no parties"
}

# Directory, parties, names. Nothing is asked of Azure here.
prepare() {
	dir=build/deploy/$prefix
	if [ "$dry" = yes ]; then
		# Reads the state of a real deployment, touches nothing of it.
		mkdir -p "$dir.dry-run"
		rm -f "$dir.dry-run/state"
		[ ! -f "$dir/state" ] || cp "$dir/state" "$dir.dry-run/state"
		dir=$dir.dry-run
	fi
	mkdir -p "$dir"
	[ -n "$location" ] || location=$(get_state LOCATION)
	[ -n "$location" ] || location=eastus
	[ -n "$maa" ] || maa=$(maa_of "$location")
	read_parties
	group=rg-parley-$prefix
}

check_tools() {
	missing=
	need() { command -v "$1" > /dev/null 2>&1 || missing="$missing $1"; }
	for made in "$ctl" build/image/oci/index.json build/image/layer.tar build/image/digests; do
		[ -s "$made" ] || die "$made is not there: run make image first"
	done
	if [ "$dry" = no ]; then
		need az
		need curl
		[ "$command" != build ] || need skopeo
		[ "$mode" = aci ] || { need kubectl; [ "$command" != build ] || { need helm; need git; }; }
		[ -z "$missing" ] || die "not installed:$missing"
		az account show > /dev/null 2>&1 || die "not signed in: run az login"
	fi
	where='container instances'
	[ "$mode" = aci ] || where='virtual nodes of AKS'
	[ "$dry" = no ] || where="$where, DRY RUN: nothing is run"
	say "$command, prefix $prefix, $location, $where"
	subscription=$(query 00000000-0000-0000-0000-000000000000 az account show --query id --output tsv)
	# Names that must be the only ones in the world get a part of their own.
	printf '%s %s' "$subscription" "$prefix" > "$dir/names"
	suffix=$(sha256_of "$dir/names")
	suffix=${suffix%"${suffix#??????}"}
	[ -n "$registry" ] || registry=$(get_state REGISTRY)
	[ -n "$registry" ] || registry=parley$prefix$suffix
	server=$registry.azurecr.io
	scope=/subscriptions/$subscription/resourceGroups/$group/providers
	digest=$(digest_of image)
	layer=$(digest_of layer)
	sum=$(sha256_of build/image/layer.tar)
	[ "sha256:$sum" = "$layer" ] || die "build/image/layer.tar is not the layer of the image: run make image again"
	image=$server/parley@$digest
}

# digest_of NAME: a line of build/image/digests.
digest_of() {
	wanted=
	while read -r name value; do
		[ "$name" != "$1" ] || wanted=${value#sha256:}
	done < build/image/digests
	is_hash "$wanted" || die "build/image/digests has no $1: run make image again"
	printf 'sha256:%s\n' "$wanted"
}

# At most 24 characters, so the party's number stands for its name.
number_of() {
	number=0
	for name in $names; do
		number=$((number + 1))
		[ "$name" != "$1" ] || { echo "$number"; return; }
	done
	die "$1 is no party"
}
vault_of() {
	number=$(number_of "$1")
	echo "kv-$prefix-$suffix-$number"
}
identity_of() { echo "id-$prefix-$1"; }
identity_id() { echo "$scope/Microsoft.ManagedIdentity/userAssignedIdentities/id-$prefix-$1"; }
vault_id() {
	vault=$(vault_of "$1")
	echo "$scope/Microsoft.KeyVault/vaults/$vault"
}
label_of() { echo "$prefix-$suffix-$1"; }
