"""How long a training step takes: this library against plain code for the same network.

    python benchmarks/step.py

The network is the article's DCGAN with its batch of 64. In TensorFlow the opponent is the
article's own listing (its missing names supplied); in PyTorch it is a plain loop, the usual way to
write it. Opponent and library take turns in one process, which holds one framework; the
table shows library / opponent: below 1, the library is faster. Ours also converts uint8
pictures and draws latents and dropout masks in NumPy.
"""

import statistics
import subprocess
import sys
import time

import numpy as np

import avatarlib as al

BATCH_SIZE = 64
ROUNDS = 11
STEPS = 8  # a round: so many steps of one, then of the other


def tensorflow_opponent(images):
    """The article's listing, from its section 5, without its loop and its drawing."""
    import tensorflow as tf
    from tensorflow.keras import layers

    # Quoted from the article.
    # fmt: off
    def make_generator_model():
        model = tf.keras.Sequential()
        model.add(layers.Dense(7*7*256, use_bias=False, input_shape=(100,)))
        model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU())

        model.add(layers.Reshape((7, 7, 256)))
        assert model.output_shape == (None, 7, 7, 256)

        model.add(layers.Conv2DTranspose(128, (5, 5), strides=(1, 1), padding='same', use_bias=False))
        assert model.output_shape == (None, 7, 7, 128)
        model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU())

        model.add(layers.Conv2DTranspose(64, (5, 5), strides=(2, 2), padding='same', use_bias=False))
        assert model.output_shape == (None, 14, 14, 64)
        model.add(layers.BatchNormalization())
        model.add(layers.LeakyReLU())

        model.add(layers.Conv2DTranspose(1, (5, 5), strides=(2, 2), padding='same', use_bias=False, activation='tanh'))
        assert model.output_shape == (None, 28, 28, 1)

        return model

    def make_discriminator_model():
        model = tf.keras.Sequential()
        model.add(layers.Conv2D(64, (5, 5), strides=(2, 2), padding='same',
                                         input_shape=[28, 28, 1]))
        model.add(layers.LeakyReLU())
        model.add(layers.Dropout(0.3))

        model.add(layers.Conv2D(128, (5, 5), strides=(2, 2), padding='same'))
        model.add(layers.LeakyReLU())
        model.add(layers.Dropout(0.3))

        model.add(layers.Flatten())
        model.add(layers.Dense(1))

        return model

    cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    def discriminator_loss(real_output, fake_output):
        real_loss = cross_entropy(tf.ones_like(real_output), real_output)
        fake_loss = cross_entropy(tf.zeros_like(fake_output), fake_output)
        total_loss = real_loss + fake_loss
        return total_loss

    def generator_loss(fake_output):
        return cross_entropy(tf.ones_like(fake_output), fake_output)

    generator_optimizer = tf.keras.optimizers.Adam(1e-4)
    discriminator_optimizer = tf.keras.optimizers.Adam(1e-4)

    @tf.function
    def train_step(images):
        noise = tf.random.normal([BATCH_SIZE, 100])

        with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
            generated_images = generator(noise, training=True)

            real_output = discriminator(images, training=True)
            fake_output = discriminator(generated_images, training=True)

            gen_loss = generator_loss(fake_output)
            disc_loss = discriminator_loss(real_output, fake_output)

        gradients_of_generator = gen_tape.gradient(gen_loss, generator.trainable_variables)
        gradients_of_discriminator = disc_tape.gradient(disc_loss, discriminator.trainable_variables)

        generator_optimizer.apply_gradients(zip(gradients_of_generator, generator.trainable_variables))
        discriminator_optimizer.apply_gradients(zip(gradients_of_discriminator, discriminator.trainable_variables))

    generator = make_generator_model()
    discriminator = make_discriminator_model()
    # End of the quotation.
    # fmt: on

    image_batch = tf.constant(al.to_float(images))

    def step():
        train_step(image_batch)
        return discriminator.trainable_variables[0].numpy()  # wait until it is done

    return step


def torch_networks():
    """The article's generator and discriminator as one writes them in PyTorch."""
    from torch import nn

    norm = {"eps": 1e-3, "momentum": 0.01}
    generator = nn.Sequential(
        nn.Linear(100, 7 * 7 * 256, bias=False),
        nn.BatchNorm1d(7 * 7 * 256, **norm),
        nn.LeakyReLU(0.3),
        nn.Unflatten(1, (256, 7, 7)),
        nn.ConvTranspose2d(256, 128, 5, stride=1, padding=2, bias=False),
        nn.BatchNorm2d(128, **norm),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(128, 64, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.BatchNorm2d(64, **norm),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(64, 1, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, 64, 5, stride=2, padding=2),
        nn.LeakyReLU(0.3),
        nn.Dropout(0.3),
        nn.Conv2d(64, 128, 5, stride=2, padding=2),
        nn.LeakyReLU(0.3),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(7 * 7 * 128, 1),
    )
    return generator, discriminator


def torch_opponent(images):
    """A plain loop: pictures with the channels second, BCEWithLogitsLoss, Adam as it comes."""
    import torch
    from torch import nn

    generator, discriminator = torch_networks()
    cross_entropy = nn.BCEWithLogitsLoss()
    generator_optimizer = torch.optim.Adam(generator.parameters(), 1e-4)
    discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), 1e-4)
    real = torch.from_numpy(al.to_float(images)).permute(0, 3, 1, 2).contiguous()
    ones, zeros = torch.ones(BATCH_SIZE, 1), torch.zeros(BATCH_SIZE, 1)

    def step():
        fake = generator(torch.randn(BATCH_SIZE, 100))
        fake_logits = discriminator(fake)
        loss_d = cross_entropy(discriminator(real), ones) + cross_entropy(fake_logits, zeros)
        loss_g = cross_entropy(fake_logits, ones)
        # Both gradients at the same, old parameters, as in the article's listing.
        gradients_g = torch.autograd.grad(loss_g, generator.parameters(), retain_graph=True)
        gradients_d = torch.autograd.grad(loss_d, discriminator.parameters())
        for network, gradients, optimizer in (
            (generator, gradients_g, generator_optimizer),
            (discriminator, gradients_d, discriminator_optimizer),
        ):
            for parameter, gradient in zip(network.parameters(), gradients, strict=True):
                parameter.grad = gradient
            optimizer.step()
        return loss_d.item(), loss_g.item()

    return step


def ours(name, images):
    """A step of the library, with everything that it draws."""
    gan = al.backend(name).GAN(al.presets.article())

    def step():
        return gan.step(images, al.noise(0, "latent", gan.steps, (BATCH_SIZE, 100)))

    return step


def seconds_for(step):
    started = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - started) / STEPS


def measure(name):
    """Print one row of the table."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (BATCH_SIZE, 28, 28, 1), dtype=np.uint8)
    opponent = {"torch": torch_opponent, "tensorflow": tensorflow_opponent}[name](images)
    library = ours(name, images)
    for step in (opponent, library):
        seconds_for(step)  # compile, and fill the caches
    pairs = [(seconds_for(opponent), seconds_for(library)) for _ in range(ROUNDS)]
    ratios = sorted(mine / theirs for theirs, mine in pairs)
    theirs, mine = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"{name:<12}{theirs:>9.0f} ms{mine:>9.0f} ms{statistics.median(ratios):>9.2f}"
        f"   {ratios[0]:.2f} to {ratios[-1]:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        print(f"{'':<12}{'opponent':>12}{'library':>12}{'ratio':>9}   of {ROUNDS} rounds")
        for name in ("tensorflow", "torch"):
            subprocess.run([sys.executable, __file__, name], check=True)
