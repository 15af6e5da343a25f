"""Networks that were trained elsewhere: opened, wrapped into the model contract, proved, bundled."""
