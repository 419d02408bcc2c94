# What every layer is built for: the target runtime, never this machine. `sam build` tells a Makefile neither runtime nor architecture, so they come from
# HEISENBUG_PYTHON_VERSION and HEISENBUG_ARCHITECTURE, else from the parameter overrides in samconfig.toml, else from the defaults in template.yaml.
# HEISENBUG_PLATFORM=host builds for this machine (a laptop whose local functions run on macOS).
layers := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
override_of = $(shell sed -n '/^ *parameter_overrides/s/.*$(1)=[\\"]*\([A-Za-z0-9._]*\).*/\1/p' '$(layers)/../samconfig.toml' 2>/dev/null | head -n 1)
default_of = $(shell sed -n '/^  $(1):/,/Default:/s/^ *Default: *//p' '$(layers)/../template.yaml')
parameter = $(or $(call override_of,$(1)),$(call default_of,$(1)))

version := $(or $(HEISENBUG_PYTHON_VERSION),$(patsubst python%,%,$(call parameter,PythonRuntime)))
architecture := $(or $(HEISENBUG_ARCHITECTURE),$(call parameter,Architecture))
machine := $(if $(filter arm64 aarch64,$(architecture)),aarch64,x86_64)
platform := $(or $(HEISENBUG_PLATFORM),$(machine))
packages := $(ARTIFACTS_DIR)/python

export UV_PYTHON_DOWNLOADS := never
export PYTHONHASHSEED := 0

# The first interpreter of the target's version that really starts: a name on the PATH may be a shim for one that is not installed.
is_target = import sys; sys.version_info[:2] == tuple(map(int, "$(version)".split("."))) or sys.exit(1)
define find_python
python=; for candidate in $(HEISENBUG_PYTHON) python$(version) python3 python "$$HOME"/.pyenv/versions/$(version)*/bin/python3; do \
  "$$candidate" -c '$(is_target)' >/dev/null 2>&1 && python=$$candidate && break; done
endef

# Byte-code that is trusted as it is: the place it runs in is read-only, so without it every cold start compiles every module again.
define compile
@$(find_python); if [ -n "$$python" ]; then \
  $$python -m compileall -q -j 2 --invalidation-mode unchecked-hash -s '$(ARTIFACTS_DIR)' -p /opt '$(packages)'; \
else echo 'No working Python $(version) here: the layer is not compiled and starts slower; install Python $(version), then sam build --no-cached.'; fi
endef

# AWS runs Python 3.11 on an older C library than the later ones.
tags := $(if $(filter 3.11,$(version)),2014,_2_28 _2_27 _2_17 2014)
uv_target = $(if $(filter host,$(platform)),,--python-platform $(machine)-manylinux$(firstword $(tags)))
pip_target = $(if $(filter host,$(platform)),,$(foreach tag,$(tags),--platform manylinux$(tag)_$(machine)))

# Exactly the pinned wheels of requirements.txt. What the runtime brings (boto3 and what comes with it) is not in there.
wheels = --quiet --no-deps --require-hashes --only-binary :all: --python-version $(version) --target '$(packages)' -r requirements.txt
define install
@$(find_python); python=$${python:-python3}; \
if uv --version >/dev/null 2>&1; then uv pip install $(uv_target) $(wheels); \
elif $$python -m pip --version >/dev/null 2>&1; then $$python -m pip install --disable-pip-version-check --root-user-action=ignore --no-compile $(pip_target) $(wheels); \
else echo 'Neither uv nor pip works here, so the layer has no packages: install uv, then sam build again.' >&2; exit 1; fi
@find '$(packages)' -path '*.dist-info/*' \( -name RECORD -o -name INSTALLER -o -name REQUESTED -o -name direct_url.json -o -name uv_cache.json \) -delete
@rm -rf '$(packages)/bin' '$(packages)/.lock'
endef
