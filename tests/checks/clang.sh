# Own code compiles with clang without a warning.
set -eu
command -v clang > /dev/null || { echo "skip: no clang here"; exit 77; }
make -k --no-print-directory check-clang
