# Virtual nodes of AKS: a cluster whose virtual node runs confidential container groups. Sourced by deploy.sh.
# shellcheck shell=sh
# shellcheck disable=SC2154

# The chart of Microsoft's virtual nodes on ACI, at the commit that was looked at.
chart_url=https://github.com/microsoft/virtualnodesOnAzureContainerInstances
chart_version=${VIRTUAL_NODES_VERSION:-main}

network() { echo "$scope/Microsoft.Network/virtualNetworks/vnet-$prefix/subnets/$1"; }

build_aks() {
	say "network: nodes 10.1.0.0/16, container groups 10.2.0.0/16, one way out"
	run az network vnet create --resource-group "$group" --name "vnet-$prefix" --location "$location" --address-prefixes 10.0.0.0/8 \
		--subnet-name aks --subnet-prefixes 10.1.0.0/16
	run az network public-ip create --resource-group "$group" --name "ip-$prefix" --location "$location" --sku Standard
	run az network nat gateway create --resource-group "$group" --name "nat-$prefix" --location "$location" --public-ip-addresses "ip-$prefix"
	run az network vnet subnet create --resource-group "$group" --vnet-name "vnet-$prefix" --name cg --address-prefixes 10.2.0.0/16 \
		--delegations Microsoft.ContainerInstance/containerGroups --nat-gateway "nat-$prefix"
	say "cluster"
	nodes_net=$(network aks)
	groups_net=$(network cg)
	run az aks create --resource-group "$group" --name "aks-$prefix" --location "$location" --node-count 2 --node-vm-size Standard_D4s_v4 \
		--network-plugin azure --vnet-subnet-id "$nodes_net" --service-cidr 10.4.0.0/16 --dns-service-ip 10.4.0.10 \
		--attach-acr "$registry" --generate-ssh-keys
	kubelet=$(query kubelet-identity az aks show --resource-group "$group" --name "aks-$prefix" --query identityProfile.kubeletidentity.objectId --output tsv)
	nodes=$(query "MC_${group}_aks-${prefix}_$location" az aks show --resource-group "$group" --name "aks-$prefix" --query nodeResourceGroup --output tsv)
	say "address of the load balancer: known early, because the parties' policies name it"
	run az network public-ip create --resource-group "$nodes" --name "ip-parley-$prefix" --location "$location" --sku Standard
	balancer=$(query 192.0.2.1 az network public-ip show --resource-group "$nodes" --name "ip-parley-$prefix" --query ipAddress --output tsv)
	set_state BALANCER "$balancer"
	say "rights of the virtual node: container groups in the node group, the one subnet, the parties' identities"
	insist az role assignment create --assignee-object-id "$kubelet" --assignee-principal-type ServicePrincipal --role Contributor \
		--scope "/subscriptions/$subscription/resourceGroups/$nodes"
	insist az role assignment create --assignee-object-id "$kubelet" --assignee-principal-type ServicePrincipal --role 'Network Contributor' --scope "$groups_net"
	for p in $names; do
		identity=$(identity_id "$p")
		insist az role assignment create --assignee-object-id "$kubelet" --assignee-principal-type ServicePrincipal --role 'Managed Identity Operator' \
			--scope "$identity"
	done
	credentials
	say "virtual node"
	if [ ! -d "$dir/virtualnodes" ]; then
		rm -rf "$dir/virtualnodes.part"
		run git clone --depth 1 --branch "$chart_version" "$chart_url" "$dir/virtualnodes.part"
		run mv "$dir/virtualnodes.part" "$dir/virtualnodes"
	fi
	run helm upgrade --install virtualnode "$dir/virtualnodes/Helm/virtualnode" --namespace vn2 --create-namespace \
		--set "aciSubnetName=cg" --set "aciResourceGroupName=$nodes"
	run kubectl wait --namespace vn2 --for=condition=Ready pod/virtualnode-0 --timeout=300s
}

credentials() {
	run az aks get-credentials --resource-group "$group" --name "aks-$prefix" --file "$dir/kubeconfig" --overwrite-existing
	KUBECONFIG=$dir/kubeconfig
	export KUBECONFIG
}

get_ip() {
	up=$(upper "$1")
	ip=$(get_state "IP_$up")
	number=$(number_of "$1")
	echo "${ip:-10.2.0.$number}"
}
port_of() {
	number=$(number_of "$1")
	echo $((8440 + number))
}
peer_port_of() {
	number=$(number_of "$1")
	echo $((8450 + number))
}

is_address() {
	case $1 in
	*[!0-9.]*) return 1 ;;
	*.*.*.*) ;;
	*) return 1 ;;
	esac
}

start_pod() {
	write_pod "$1" > "$dir/$1.yaml"
	check_carries "$1" "$dir/$1.yaml"
	run kubectl apply --filename "$dir/$1.yaml"
	run kubectl wait --namespace parley --for=condition=Ready "pod/parley-$1" --timeout=600s
	ip=$(get_ip "$1")
	ip=$(query "$ip" kubectl get pod "parley-$1" --namespace parley --output 'jsonpath={.status.podIP}')
	is_address "$ip" || die "no address for $1: $ip"
	up=$(upper "$1")
	set_state "IP_$up" "$ip"
}

deploy_aks() {
	balancer=$(get_state BALANCER)
	[ "$dry" = no ] || balancer=${balancer:-192.0.2.1}
	is_address "$balancer" || die "no address of the load balancer: run deploy.sh build --prefix $prefix --aks first"
	credentials
	show kubectl create namespace parley
	if [ "$dry" = no ] && ! try_to /dev/null kubectl create namespace parley; then
		case $error in
		*AlreadyExists*|*'already exists'*) ;;
		*) failed kubectl create namespace parley ;;
		esac
	fi
	make_policies vn2
	make_keys
	for p in $names; do
		say "pod of $p"
		start_pod "$p"
	done
	if [ "$snooper" = yes ]; then
		say "pod of the snooper, on an ordinary node"
		write_snooper_pod > "$dir/snooper.yaml"
		run kubectl apply --filename "$dir/snooper.yaml"
	fi
	say "load balancer: bytes are passed on, TLS ends in the parties"
	write_balancer > "$dir/balancer.yaml"
	run kubectl apply --filename "$dir/balancer.yaml"
	run kubectl wait --namespace parley --for=condition=Available deployment/parley-balancer --timeout=300s
}
