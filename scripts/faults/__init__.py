"""What scripts/chaos and scripts/measure-faults share: clusters of real processes, and real troubles for them."""
