#!/usr/bin/env bash
# Makes the archives of a release in dist/, with SHA256SUMS and a CycloneDX SBOM for each: `make dist`
# calls it after the build. Same commit and Go, same bytes: docs/release.md. It needs git, tar and zip.
set -euo pipefail
cd "$(dirname "$0")/.."

all=(linux-amd64 linux-arm64 linux-armv7 linux-armv6 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64)
if [[ "${1-}" == -h || "${1-}" == --help ]]; then
  echo "Usage: ci/dist.sh [SYSTEM-ARCHITECTURE]…   (default: ${all[*]})"
  exit 0
fi
[[ $# -gt 0 ]] || set -- "${all[@]}"
for target in "$@"; do
  [[ " ${all[*]} " == *" $target "* ]] || { echo "ci/dist.sh: unknown target \"$target\"; use ${all[*]}" >&2; exit 2; }
done
read -ra flags <<<"${BUILDFLAGS:--pgo=off -trimpath -ldflags=-s -tags minimal}"
go=${GO:-go}
export TZ=UTC LC_ALL=C CGO_ENABLED=0
unset GOAMD64 GOARM64 # what this machine prefers

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
version=$(bin/rubato version | awk 'NR == 1 {print $2}')
[[ $version != *+dirty && $version != devel ]] || echo "ci/dist.sh: WARNING: this is version $version: a release is made from a clean checkout of a tag" >&2
made=$(git log -1 --format=%ct)

# extras is what every archive has beside the program.
mkdir -p "$work/extras/completions"
cp LICENSE THIRD_PARTY_NOTICES.md README.md CHANGELOG.md "$work/extras"
bin/rubato man >"$work/extras/rubato.1"
bin/rubato completion bash >"$work/extras/completions/rubato.bash"
bin/rubato completion zsh >"$work/extras/completions/_rubato"
bin/rubato completion fish >"$work/extras/completions/rubato.fish"

rm -rf dist
mkdir dist
for target in "$@"; do
  name=rubato-$version-$target program=rubato arch=${target#*-} arm=()
  case $arch in armv*) arm=("GOARM=${arch#armv}") arch=arm ;; esac
  [[ $target != windows-* ]] || program=rubato.exe
  cp -r "$work/extras" "$work/$name"
  env "GOOS=${target%%-*}" "GOARCH=$arch" "${arm[@]}" "$go" build "${flags[@]}" -o "$work/$name/$program" .
  "$go" tool -modfile=ci/tools/go.mod cyclonedx-gomod bin -json -std -noserial -version "$version" -output "dist/$name.cdx.json" "$work/$name/$program"
  sed -i "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$(date -d "@$made" +%FT%TZ)\"/" "dist/$name.cdx.json"
  chmod -R u=rwX,go=rX "$work/$name"
  find "$work/$name" -exec touch -d "@$made" {} +
  if [[ $target == windows-* ]]; then
    (cd "$work" && find "$name" | sort | zip -X -q -9 -@ "$OLDPWD/dist/$name.zip")
  else
    tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --format=ustar -cf - "$name" | gzip -9n >"dist/$name.tar.gz"
  fi
  rm -rf "${work:?}/$name"
done
(cd dist && sha256sum -- * >SHA256SUMS)
ls -l dist
