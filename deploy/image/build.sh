#!/usr/bin/env bash
# Builds the pod's image into the local container storage as localhost/trueup:VERSION, and to build/image: the image as an OCI layout
# (`skopeo copy oci:build/image/oci docker://…` pushes it) and its bill of materials. The same commit gives the same digest. `make image` calls it.
#   BASE=IMAGE        what the image stands on (Python 3.11, certificates); without it one is made from Debian packages
#   BUILD_BASE=IMAGE  what it is built in, if not in BASE; with binutils there the image is some 10 MB smaller
set -euo pipefail
cd "$(dirname "$0")/../.."
here=deploy/image out=build/image context=build/image/context
cache=${XDG_CACHE_HOME:-$HOME/.cache}/trueup/image
python=${PYTHON:-.venv/bin/python}
export PIP_ROOT_USER_ACTION=ignore

for tool in buildah podman skopeo; do
  command -v "$tool" > /dev/null || { echo "an image needs $tool: install the packages buildah, podman, skopeo and runc" >&2; exit 2; }
done

version=$("$python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2> /dev/null || date -r pyproject.toml +%s)
export SOURCE_DATE_EPOCH

# One kind of base a day's packages: made once, kept in the cache.
make_base() { # NAME PACKAGES
  local archive=$cache/$1.tar.gz
  if ! podman image exists "localhost/$1"; then
    if [ ! -f "$archive" ]; then
      command -v mmdebstrap > /dev/null || { echo "a base needs mmdebstrap: install it, or name one with BASE=IMAGE" >&2; exit 2; }
      mkdir -p "$cache"
      mmdebstrap --quiet --variant=essential --include="$2" --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-include=/usr/share/doc/*/copyright' bookworm "$archive.part.tar.gz" > /dev/null 2> "$out/base.log" || { cat "$out/base.log" >&2; exit 1; }
      mv "$archive.part.tar.gz" "$archive"
    fi
    podman import --quiet "$archive" "localhost/$1" > /dev/null
  fi
}

if [ -z "${BASE:-}" ]; then
  packages=usr-is-merged,python3,ca-certificates,tzdata
  make_base trueup-base "$packages"
  make_base trueup-build-base "$packages,binutils"
  BASE=localhost/trueup-base BUILD_BASE=${BUILD_BASE:-localhost/trueup-build-base}
fi

# The build fetches nothing: what it installs is fetched here, by the hashes of the locks.
rm -rf "$context"
mkdir -p "$context/wheels/tools" "$context/wheels/ours"
fetched=$cache/wheels-$(cat "$here"/*.lock | sha256sum | cut -c1-16)
if [ ! -d "$fetched" ]; then
  rm -rf "$fetched.part"
  fetch=("$python" -m pip download --quiet --disable-pip-version-check --only-binary :all: --python-version 3.11 --no-deps --require-hashes)
  "${fetch[@]}" -r "$here/requirements.lock" -d "$fetched.part"
  "${fetch[@]}" -r "$here/pip.lock" -d "$fetched.part/tools"
  mv "$fetched.part/tools"/pip-*.whl "$fetched.part/tools/pip.whl"
  mv "$fetched.part" "$fetched"
fi
tools=$cache/tools-$(sha256sum < "$here/tools.lock" | cut -c1-16)
if [ ! -d "$tools" ]; then
  rm -rf "$tools.part"
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes --target "$tools.part" -r "$here/tools.lock"
  mv "$tools.part" "$tools"
fi
cp -r "$fetched/." "$context/wheels/"
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w "$context/wheels/ours" .
cp "$here"/{Dockerfile,requirements.lock,slim.py,import_all.py} LICENSE "$context/"

PYTHONPATH=$tools "$python" -W ignore -m cyclonedx_py requirements --output-reproducible --pyproject pyproject.toml --output-file "$out/sbom.cdx.json" \
  "$here/requirements.lock"
cp "$out/sbom.cdx.json" "$context/"
find "$context" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
chmod -R u=rwX,go=rX "$context"

buildah bud --quiet --isolation chroot --layers=false --timestamp "$SOURCE_DATE_EPOCH" --format oci \
  --build-arg BASE="$BASE" --build-arg BUILD_BASE="${BUILD_BASE:-$BASE}" --build-arg VERSION="$version" \
  -t "localhost/trueup:$version" "$context" > /dev/null
rm -rf "$out/oci"
skopeo copy --quiet "containers-storage:localhost/trueup:$version" "oci:$out/oci:$version" 2> /dev/null
"$python" "$here/pack.py" "$out/oci" "$version"
