# Each target sets a fresh machine up and does its job. Everything lands in .venv, demo/ and runs/.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
DEMO := demo
EXTRAS := train,weights,openvino,int8,tensorrt-rtx,modbus,gpio,viva,rtsp,gentl,pylon,codes,report,review,dev

export NO_ALBUMENTATIONS_UPDATE = 1

.DEFAULT_GOAL := help
.PHONY: help install demo demo-reviews test check bench bench-faults bench-soak bench-review bench-accuracy clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:[^#]*## /\t/' | expand -t 18

install: $(INSTALLED) ## .venv with everything but hardware extras

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed; name one: make PYTHON=python3.11 …"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt -e '.[$(EXTRAS)]'
	touch $@

demo: $(INSTALLED) ## product → training → report → bundle → 1,000 parts on a simulated line → the review bench on its rejects
	rm -rf $(DEMO)
	$(BIN)/taktsight data synth $(DEMO)/learn --parts 900 --parts-per-lot 10 --defective-share 0.5 --seed 1
	$(BIN)/taktsight train configs/training/flange.yaml --run $(DEMO)/flange
	$(BIN)/taktsight evaluate $(DEMO)/flange
	$(BIN)/taktsight export $(DEMO)/flange --out $(DEMO)/flange.taktsight
	$(BIN)/taktsight verify $(DEMO)/flange.taktsight
	$(BIN)/taktsight data synth $(DEMO)/shift --parts 1000 --defective-share 0.1 --seed 2
	$(BIN)/taktsight replay $(DEMO)/flange.taktsight $(DEMO)/shift/line.txt \
		--truth $(DEMO)/shift/index.csv --records $(DEMO)/records
	$(BIN)/taktsight ledger verify $(DEMO)/records
	@printf '\nOpen:\n  %s\n  %s\n  %s\n' "$(DEMO)/flange/evaluation/report.html   the report" \
		"$(DEMO)/records/images/            rejected parts, as the line saw them" \
		"$(BIN)/taktsight review $(DEMO)/records --bundle $(DEMO)/flange.taktsight --examples $(DEMO)/learn   the review bench"
	@if [ -t 1 ]; then $(BIN)/taktsight review $(DEMO)/records --bundle $(DEMO)/flange.taktsight \
		--examples $(DEMO)/learn --open; fi

demo-reviews: $(INSTALLED) ## 50 reviews make the next model better on unseen parts: four seeds, 7 minutes on 2 cores
	$(BIN)/python benchmarks/reviews_improve.py --seeds 4

test: $(INSTALLED) ## every test; no network, warnings are errors; 27 minutes on 2 cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests --ignore-glob='tests/inspect/test_*.py' \
		--numprocesses logical --maxprocesses 4 --dist loadfile
	$(BIN)/python -m pytest tests/inspect --ignore tests/inspect/review  # keeps takt: nothing runs beside it

check: $(INSTALLED) ## ruff, format, mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED) ## speed, into benchmarks/results/
	test -f $(DEMO)/flange.taktsight || $(MAKE) demo
	$(BIN)/python benchmarks/cycle_time.py --bundle $(DEMO)/flange.taktsight
	$(BIN)/python benchmarks/cold_start.py --bundle $(DEMO)/flange.taktsight --images $(DEMO)/shift/line.txt
	$(BIN)/python benchmarks/cycle_prediction.py --bundle $(DEMO)/flange.taktsight --images $(DEMO)/shift/line.txt
	$(BIN)/python benchmarks/export_time.py $(DEMO)/flange
	$(BIN)/python benchmarks/synthetic_product.py
	$(BIN)/python benchmarks/changeover.py
	$(BIN)/python benchmarks/training_speed.py
	$(BIN)/python benchmarks/backends.py $(DEMO)/flange

bench-faults: $(INSTALLED) ## every fault into a running line, counted; wants root and 20 minutes
	$(BIN)/python benchmarks/faults.py

bench-soak: $(INSTALLED) ## 20 minutes at 100 parts/s, then planted leaks that must be found; 26 minutes, a quiet machine
	$(BIN)/python benchmarks/soak.py
	$(BIN)/python benchmarks/soak.py --planted-leak memory --minutes 2
	$(BIN)/python benchmarks/soak.py --planted-leak descriptors --minutes 2

bench-review: $(INSTALLED) ## the review bench: pictures, keys, pages, the line beside it; 6 minutes, a quiet machine
	$(BIN)/python benchmarks/review.py

bench-accuracy: $(INSTALLED) ## trains on the real sets beside the repository; 1 h 30 min on 2 cores
	$(BIN)/python benchmarks/accuracy.py aws-aliens kolektorsdd-anomaly magnetic-tile-anomaly \
		kolektorsdd xsdd magnetic-tile bsdata deeppcb

clean: ## removes what the targets made
	rm -rf .venv demo runs .cache
