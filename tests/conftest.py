"""What all tests share."""

from threadpoolctl import threadpool_limits

# As the app and the training do: `cnn.slices` spreads work over the cores, BLAS must not do it again.
threadpool_limits(1, user_api="blas")
