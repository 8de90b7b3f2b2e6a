"""The parts of scripts/bench: models and corpora, Rondo's runs, peers, the report, its charts."""
