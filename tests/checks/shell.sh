# The scripts that deploy and reproduce have no shellcheck finding; the checks none above a remark.
set -eu
command -v shellcheck > /dev/null || { echo "skip: no shellcheck here"; exit 77; }
shellcheck -x scripts/deploy.sh scripts/deploy/*.sh scripts/reproduce
shellcheck -s sh -S warning tests/checks/policy.sh tests/checks/image.sh tests/checks/reproduce.sh tests/checks/shell.sh
