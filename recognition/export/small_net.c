/* Reads one handwritten digit with small_net, a convolutional network of 9,226 parameters.
 *
 * C99 with no library, no heap and no floating point but in the ten answers, if SMALL_NET_INT8 is defined: then
 * weights are 8-bit, sums 32-bit, and about 3.3 kB of memory is needed while it reads. Otherwise all is float.
 *
 *     cc -O2 -DSMALL_NET_INT8 -c small_net.c
 *     cc -O2 -DSMALL_NET_INT8 -DSMALL_NET_MAIN small_net.c -o read && ./read < pictures
 *
 * where `pictures` holds 784 bytes a picture. Written by `python -m training export`; the weights are in
 * small_net.h. Quantised as in Jacob et al., "Quantization and Training of Neural Networks for Efficient
 * Integer-Arithmetic-Only Inference", CVPR 2018.
 */
#define SMALL_NET_WEIGHTS
#include "small_net.h"

enum { SIDE = 28, FILTERS1 = 8, FILTERS2 = 16, CLASSES = 10 };
enum { HALF = SIDE / 2, QUARTER = SIDE / 4, MOST_FILTERS = FILTERS2 };

#ifdef SMALL_NET_INT8
typedef uint8_t value_t;  /* of a layer's output: value = scale * byte, never negative after ReLU */
typedef int8_t weight_t;
typedef int32_t sum_t;
#else
typedef float value_t;
typedef float weight_t;
typedef float sum_t;
#endif

/* ReLU, and in 8 bits the way from a sum's scale to that of the layer's output: a product and a shift. */
static value_t activate(sum_t sum, int32_t multiplier, int shift)
{
    if (sum <= 0)
        return 0;
#ifdef SMALL_NET_INT8
    int64_t scaled = ((int64_t)sum * multiplier + ((int64_t)1 << (shift - 1))) >> shift;
    return scaled > 255 ? 255 : (value_t)scaled;
#else
    (void)multiplier;
    (void)shift;
    return sum;
#endif
}

/* The sums of all filters at one pixel: sums[k] = bias[k] + sum over i, j, c of x[h + i, w + j, c] * weight[i, j, c, k]
 * with zeros around the picture. */
static void convolve(const value_t *x, int side, int channels, const weight_t *weight, const sum_t *bias, int kernel,
                     int filters, int h, int w, sum_t *sums)
{
    int margin = kernel / 2;
    for (int k = 0; k < filters; k++)
        sums[k] = bias[k];
    for (int i = 0; i < kernel; i++) {
        int row = h + i - margin;
        if (row < 0 || row >= side)
            continue;
        for (int j = 0; j < kernel; j++) {
            int column = w + j - margin;
            if (column < 0 || column >= side)
                continue;
            const value_t *pixel = x + (row * side + column) * channels;
            const weight_t *taps = weight + (i * kernel + j) * channels * filters;
            for (int c = 0; c < channels; c++)
                for (int k = 0; k < filters; k++)
                    sums[k] += (sum_t)pixel[c] * taps[c * filters + k];
        }
    }
}

/* Convolution, ReLU and 2x2 max pooling: x (side, side, channels) -> y (side / 2, side / 2, filters). ReLU and the
 * change of scale never swap two values, so the largest sum is taken first. */
static void convolve_and_pool(const value_t *x, int side, int channels, const weight_t *weight, const sum_t *bias,
                              const int32_t *multiplier, int shift, int kernel, int filters, value_t *y)
{
    for (int h = 0; h + 1 < side; h += 2)
        for (int w = 0; w + 1 < side; w += 2) {
            sum_t best[MOST_FILTERS], sums[MOST_FILTERS];
            for (int corner = 0; corner < 4; corner++) {
                convolve(x, side, channels, weight, bias, kernel, filters, h + corner / 2, w + corner % 2, sums);
                for (int k = 0; k < filters; k++)
                    best[k] = corner == 0 || sums[k] > best[k] ? sums[k] : best[k];
            }
            for (int k = 0; k < filters; k++)
                *y++ = activate(best[k], multiplier ? multiplier[k] : 0, shift);
        }
}

int small_net_read(const uint8_t image[SMALL_NET_PIXELS], float logits[SMALL_NET_CLASSES])
{
    value_t first[HALF * HALF * FILTERS1], second[QUARTER * QUARTER * FILTERS2];
#ifdef SMALL_NET_INT8
    const value_t *x = image;
#else
    value_t x[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++)
        x[i] = image[i] / 255.0f;
#endif
    convolve_and_pool(x, SIDE, 1, conv1_weight, conv1_bias, conv1_multiplier, CONV1_SHIFT, 5, FILTERS1, first);
    convolve_and_pool(first, HALF, FILTERS1, conv2_weight, conv2_bias, conv2_multiplier, CONV2_SHIFT, 3, FILTERS2,
                      second);
    int best = 0;
    for (int k = 0; k < CLASSES; k++) {
        sum_t sum = dense1_bias[k];
        for (int i = 0; i < QUARTER * QUARTER * FILTERS2; i++)
            sum += (sum_t)second[i] * dense1_weight[i * CLASSES + k];
        logits[k] = (float)sum * dense1_scale[k];
        if (logits[k] > logits[best])
            best = k;
    }
    return best;
}

#ifdef SMALL_NET_MAIN
#include <stdio.h>

int main(void)
{
    uint8_t image[SMALL_NET_PIXELS];
    float logits[SMALL_NET_CLASSES];
    while (fread(image, 1, sizeof image, stdin) == sizeof image) {
        printf("%d", small_net_read(image, logits));
        for (int k = 0; k < CLASSES; k++)
            printf(" %.6g", (double)logits[k]);
        printf("\n");
    }
    return 0;
}
#endif
