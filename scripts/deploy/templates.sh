# Templates: ARM for container instances, YAML for virtual nodes. Sourced by deploy.sh. All names in them were checked, and
# no value needs escaping: parleyctl refuses others.
# shellcheck shell=sh
# shellcheck disable=SC2154

# --- What a template may hold ---

# check_policy NAME: the policy made in this run is whole: text, base64 and hash agree, and the release policy of a party
# with a key names every container that gets the key.
check_policy() {
	made=$dir/policy/$1
	for part in rego b64 hostdata env.json command.json; do
		[ -s "$made.$part" ] || die "no policy for $1: $made.$part is empty or not there"
	done
	hash=$(hostdata_of "$1")
	text=$(sha256_of "$made.rego")
	[ "$text" = "$hash" ] || die "the policy of $1 is not what its HOST_DATA says: $made.rego"
	base64 -d < "$made.b64" > "$dir/decoded" || die "the policy of $1 is no base64: $made.b64"
	text=$(sha256_of "$dir/decoded")
	[ "$text" = "$hash" ] || die "the policy of $1 is not what its HOST_DATA says: $made.b64"
	grep -qx "$hash $1" "$dir/policies" || die "HOST_DATA of $1 is not the one of this run"
	for part in env command; do
		text=$(cat "$made.$part.json")
		case $text in '['*']') ;; *) die "no list: $made.$part.json" ;; esac
	done
	[ -f "$made.key" ] || return 0
	[ -s "$made.release.json" ] || die "no release policy for the key of $1: $made.release.json"
	{
		read -r _ || die "no name of a key: $made.key"
		while read -r reader; do
			hash=$(hostdata_of "$reader")
			grep -qF "\"$hash\"" "$made.release.json" || die "the release policy of $1 does not name $reader"
		done
	} < "$made.key"
}

# hostdata_of NAME
hostdata_of() {
	hostdata=$(cat "$dir/policy/$1.hostdata")
	is_hash "$hostdata" || die "no HOST_DATA of $1: $dir/policy/$1.hostdata"
	printf '%s\n' "$hostdata"
}

# check_carries NAME FILE: the last look before FILE is submitted.
check_carries() {
	check_policy "$1"
	policy=$(cat "$dir/policy/$1.b64")
	printf '%s\n' "$policy" > "$dir/pattern"
	grep -qF -f "$dir/pattern" "$2" || die "$2 does not carry the policy of $1"
}

# --- Container instances ---

# arm_group NAME SKU_LINES ENV COMMAND CPU MEMORY
arm_group() {
	identity=$(identity_id "$1")
	cat << END
{
 "\$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
 "contentVersion": "1.0.0.0",
 "resources": [
  {
   "type": "Microsoft.ContainerInstance/containerGroups",
   "apiVersion": "2023-05-01",
   "name": "aci-$prefix-$1",
   "location": "$location",
   "identity": { "type": "UserAssigned", "userAssignedIdentities": { "$identity": {} } },
   "properties": {
    $2
    "osType": "Linux",
    "restartPolicy": "Always",
    "imageRegistryCredentials": [ { "server": "$server", "identity": "$identity" } ],
    "containers": [
     {
      "name": "parley",
      "properties": {
       "image": "$image",
       "command": $4,
       "environmentVariables": $3,
       "ports": [ { "port": 8443, "protocol": "TCP" }, { "port": 8444, "protocol": "TCP" }, { "port": 8080, "protocol": "TCP" } ],
       "resources": { "requests": { "cpu": $5, "memoryInGB": $6 } }
      }
     }
    ],
    "ipAddress": {
     "type": "Public",
     "dnsNameLabel": "$prefix-$suffix-$1",
     "ports": [ { "port": 8443, "protocol": "TCP" }, { "port": 8444, "protocol": "TCP" }, { "port": 8080, "protocol": "TCP" } ]
    }
   }
  }
 ],
 "outputs": {
  "fqdn": { "type": "string", "value": "[reference('aci-$prefix-$1').ipAddress.fqdn]" }
 }
}
END
}

write_aci() {
	check_policy "$1"
	policy=$(cat "$dir/policy/$1.b64")
	env=$(cat "$dir/policy/$1.env.json")
	words=$(cat "$dir/policy/$1.command.json")
	arm_group "$1" "\"sku\": \"Confidential\",
    \"confidentialComputeProperties\": { \"ccePolicy\": \"$policy\" }," "$env" "$words" 1 2
}

# The same bytes with the first party's settings on ordinary hardware, and an identity that may only pull the image.
write_snooper() {
	env=$(cat "$dir/policy/$first.env.json")
	words=$(cat "$dir/policy/$first.command.json")
	arm_group snooper '"sku": "Standard",' "$env" "$words" 1 2
}

# --- Virtual nodes ---

# YAML takes JSON as it is, so that lists need no rewriting.
write_pod() {
	check_policy "$1"
	policy=$(cat "$dir/policy/$1.b64")
	env=$(cat "$dir/policy/$1.env.json")
	words=$(cat "$dir/policy/$1.command.json")
	identity=$(identity_id "$1")
	cat << END
apiVersion: v1
kind: Pod
metadata:
  name: parley-$1
  namespace: parley
  labels: { app: parley, party: "$1" }
  annotations:
    microsoft.containerinstance.virtualnode.ccepolicy: "$policy"
    microsoft.containerinstance.virtualnode.identity: "$identity"
spec:
  restartPolicy: Always
  nodeSelector: { virtualization: virtualnode2 }
  tolerations:
  - { key: virtual-kubelet.io/provider, operator: Exists, effect: NoSchedule }
  dnsPolicy: None
  dnsConfig: { nameservers: [ "168.63.129.16" ] }
  containers:
  - name: parley
    image: $image
    command: $words
    env: $env
    ports: [ { containerPort: 8443 }, { containerPort: 8444 }, { containerPort: 8080 } ]
    resources: { requests: { cpu: "1", memory: 2Gi }, limits: { cpu: "1", memory: 2Gi } }
END
}

write_snooper_pod() {
	env=$(cat "$dir/policy/$first.env.json")
	words=$(cat "$dir/policy/$first.command.json")
	cat << END
apiVersion: v1
kind: Pod
metadata:
  name: parley-snooper
  namespace: parley
  labels: { app: parley, party: snooper }
spec:
  restartPolicy: Always
  containers:
  - name: parley
    image: $image
    command: $words
    env: $env
    ports: [ { containerPort: 8443 }, { containerPort: 8444 }, { containerPort: 8080 } ]
END
}

# Passes bytes on and cannot read them: TLS ends in the party itself.
write_balancer() {
	cat << 'END'
apiVersion: v1
kind: ConfigMap
metadata: { name: parley-balancer, namespace: parley }
data:
  nginx.conf: |
    events {}
    stream {
END
	for p in $names; do
		ip=$(get_ip "$p")
		port=$(port_of "$p")
		peer_port=$(peer_port_of "$p")
		echo "      server { listen $port; proxy_pass $ip:8443; }"
		echo "      server { listen $peer_port; proxy_pass $ip:8444; }"
	done
	cat << 'END'
    }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: parley-balancer, namespace: parley }
spec:
  replicas: 1
  selector: { matchLabels: { app: parley-balancer } }
  template:
    metadata: { labels: { app: parley-balancer } }
    spec:
      containers:
      - name: nginx
        image: nginx:alpine
        args: [ nginx, -g, "daemon off;" ]
        volumeMounts: [ { name: conf, mountPath: /etc/nginx/nginx.conf, subPath: nginx.conf } ]
      volumes: [ { name: conf, configMap: { name: parley-balancer } } ]
---
apiVersion: v1
kind: Service
END
	cat << END
metadata:
  name: parley-balancer
  namespace: parley
  annotations: { service.beta.kubernetes.io/azure-load-balancer-ipv4: "$balancer" }
spec:
  type: LoadBalancer
  selector: { app: parley-balancer }
  ports:
END
	for p in $names; do
		port=$(port_of "$p")
		peer_port=$(peer_port_of "$p")
		echo "  - { name: $p, port: $port, targetPort: $port, protocol: TCP }"
		echo "  - { name: $p-peer, port: $peer_port, targetPort: $peer_port, protocol: TCP }"
	done
}
