# The two commands: `make serve` and `make test` do all the set-up on a machine with git, make and Python 3.11 or newer.

PYTHON ?= python3
# Left empty, what trellis.yaml says holds, or else notes/ and index/.
NOTES ?=
INDEX ?=
HOST ?= 127.0.0.1
PORT ?= 8000
# Where to take PyTorch from; empty means where everything else comes from. The README says when to set it.
TORCH_INDEX ?=
# Question sets, collections and corpora that are not in this repository.
SHARED ?= ../shared

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: serve index test test-shared lint wheel try-wheel try-outside bench-quality bench-speed trust trust-network trust-storage trust-alone licences sbom audit lock clean help

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

serve: $(VENV)/serve  ## index NOTES into INDEX and serve on HOST:PORT
	@$(BIN)/trellis serve $(NOTES) $(if $(INDEX),--index $(INDEX)) --host $(HOST) --port $(PORT)

index: $(VENV)/serve  ## index NOTES into INDEX
	@$(BIN)/trellis index $(NOTES) $(if $(INDEX),--index $(INDEX))

test: lint  ## the whole suite
	$(BIN)/python -m pytest

test-shared: $(VENV)/test  ## what needs the material beside the checkout (SHARED)
	$(BIN)/python -m pytest tests/shared --shared $(SHARED)

lint: $(VENV)/test  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The locked libraries come with hashes. PyTorch alone stands apart: each platform has a build of its own. What it needs
# brings setuptools, which installs the checkout.
$(VENV)/serve: requirements/serve.lock requirements/torch.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV); the first time this takes a minute or two."
	@$(PIP) --require-hashes --no-deps -r requirements/serve.lock
	@$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -r requirements/torch.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/test: $(VENV)/serve requirements/test.lock
	@$(PIP) --require-hashes --no-deps -r requirements/test.lock
	@$(BIN)/python -m pip --disable-pip-version-check check
	@touch $@

wheel: $(VENV)/test  ## build/dist: the source distribution and the wheel, with the default model in both
	@$(BIN)/python deploy/release.py build/dist
	@ls -s --block-size=1M build/dist

try-wheel: wheel  ## install the wheel with all it needs in an environment of its own, and use it
	$(BIN)/python -m tests.packaging.trial build/dist/*.whl

try-outside: $(VENV)/test  ## zsh, fish, Emacs, Vim, Neovim, nginx, systemd, each where it is installed
	$(BIN)/python -m pytest tests/outside -v

bench-quality: .venv-bench/ready  ## the table of answer quality beside peers (about 20 minutes; needs SHARED)
	.venv-bench/bin/python -m bench.quality --shared $(SHARED)

bench-speed: .venv-bench/ready  ## the table of speed beside peers (some minutes; needs SHARED)
	.venv-bench/bin/python -m bench.speed --shared $(SHARED)

trust: trust-storage trust-network trust-alone  ## the promises of SECURITY.md at full size, into bench/results (hours)
	$(BIN)/python -m bench.trust.table --write

trust-network: $(VENV)/test .venv-trust/ready  ## those of the network side
	$(BIN)/python -m bench.trust.network

.venv-trust/ready: requirements/trust.txt
	@test -x .venv-trust/bin/python || $(PYTHON) -m venv .venv-trust
	@.venv-trust/bin/python -m pip install --quiet -r requirements/trust.txt
	@touch $@

trust-storage: $(VENV)/test  ## its half on the disk, notes, models and conversations
	-$(BIN)/python -m bench.fuzz --inputs 10000000 --out bench/results/fuzz.json
	$(BIN)/python -m bench.trust.storage

trust-alone: $(VENV)/test .venv-audit/ready sbom  ## what is needed from elsewhere: the suite without a network, known flaws
	$(BIN)/python -m bench.trust.alone

licences: $(VENV)/test  ## docs/licences.md, from what is installed
	$(BIN)/python -m bench.trust.supply licences

sbom: .venv-audit/ready $(VENV)/test  ## build/sbom.cdx.json in CycloneDX, compared with the lock
	@mkdir -p build
	@cat requirements/serve.lock requirements/torch.txt | .venv-audit/bin/cyclonedx-py requirements - \
	  --output-reproducible --of JSON -o build/sbom.cdx.json
	$(BIN)/python -m bench.trust.supply compare build/sbom.cdx.json

audit: .venv-audit/ready $(VENV)/test  ## known flaws of the locked libraries (needs the network)
	$(BIN)/python -m bench.trust.supply audit .venv-audit/bin/pip-audit

.venv-audit/ready: requirements/audit.txt
	@test -x .venv-audit/bin/python || $(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install --quiet -r requirements/audit.txt
	@touch $@

.venv-bench/ready: requirements/serve.lock requirements/torch.txt requirements/bench.txt
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/serve.lock
	@.venv-bench/bin/python -m pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -r requirements/torch.txt
	@.venv-bench/bin/python -m pip install --quiet -r requirements/bench.txt
	@touch $@

lock:  ## renew the lock files from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-package torch --extra models --extra mcp \
	  --custom-compile-command 'make lock' pyproject.toml -o requirements/serve.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-package torch --extra models --extra mcp --extra test \
	  --custom-compile-command 'make lock' pyproject.toml -c requirements/serve.lock -o requirements/test.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra milvus --extra mcp \
	  --custom-compile-command 'make lock' pyproject.toml -c requirements/serve.lock -o requirements/wheel.lock

clean:  ## remove the environment and the index
	rm -rf $(VENV) index/CURRENT index/generations index/.publications index/.collections index/.map index/models
