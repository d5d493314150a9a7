"""Programs as PyTorch's tutorials have them, in one source for both sides.

Each program is a function of a dialect: the few names in which PyTorch and NumPy differ. Here it
must learn; where PyTorch is installed it must give PyTorch's losses, step by step from the same
weights.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

import autograd
import nn


def glassgrad():
    """This side: `begin` notes the weights that a model starts from."""
    starts = []
    return SimpleNamespace(
        nn=nn, F=nn.functional, optim=nn.optim, no_grad=autograd.no_grad,
        data=np.array, exp=np.exp, sum=np.sum,
        cat=lambda parts, axis: np.concatenate(parts, axis=axis),
        begin=lambda model: starts.append(model.state_dict()) or model, starts=starts,
    )  # fmt: skip


def pytorch(starts):
    """The other side: `begin` gives a model the weights that ours started from."""
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    torch.set_num_threads(1)
    left = list(starts)

    def begin(model):
        model.load_state_dict({k: torch.from_numpy(np.array(x)) for k, x in left.pop(0).items()})
        return model

    return SimpleNamespace(
        nn=torch.nn, F=torch.nn.functional, optim=torch.optim, no_grad=torch.no_grad,
        data=lambda array: torch.from_numpy(np.array(array)), exp=torch.exp, sum=torch.sum,
        cat=torch.cat, begin=begin,
    )  # fmt: skip


def what_is_torch_nn(d):
    """The nn tutorial: a step of one's own, then an optimizer, on two-dimensional blobs."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 256)
    x = (rng.normal(size=(4, 20))[y] + 0.8 * rng.normal(size=(256, 20))).astype(np.float32)
    x, y = d.data(x), d.data(y)

    class Logistic(d.nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = d.nn.Linear(20, 4)

        def forward(self, xb):
            return self.lin(xb)

    model, losses, bs, lr = d.begin(Logistic()), [], 64, 0.1
    for i in range(256 // bs):
        loss = d.F.cross_entropy(model(x[i * bs : i * bs + bs]), y[i * bs : i * bs + bs])
        loss.backward()
        with d.no_grad():
            for p in model.parameters():
                p -= p.grad * lr
            model.zero_grad()
        losses.append(loss.item())
    opt = d.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for _ in range(3):
        for i in range(256 // bs):
            loss = d.F.cross_entropy(model(x[i * bs : i * bs + bs]), y[i * bs : i * bs + bs])
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
    return losses


def word_language_model(d):
    """LSTM with tied weights, a carried hidden state, clipping, and steps by hand."""

    class RNNModel(d.nn.Module):
        def __init__(self, rnn_type, ntoken, nhid, nlayers):
            super().__init__()
            self.drop = d.nn.Dropout(0.0)
            self.encoder = d.nn.Embedding(ntoken, nhid)
            self.rnn = getattr(d.nn, rnn_type)(nhid, nhid, nlayers, dropout=0.0)
            self.decoder = d.nn.Linear(nhid, ntoken)
            self.decoder.weight = self.encoder.weight
            d.nn.init.uniform_(self.encoder.weight, -1.0, 1.0)
            d.nn.init.zeros_(self.decoder.bias)

        def forward(self, input, hidden=None):
            output, hidden = self.rnn(self.drop(self.encoder(input)), hidden)
            return d.F.log_softmax(self.decoder(self.drop(output)), dim=-1), hidden

    text = np.resize([0, 1, 2, 3, 1, 4], 8 * 41).reshape(8, 41).T
    model, criterion = d.begin(RNNModel("LSTM", 5, 16, 2)), d.nn.NLLLoss()
    hidden, losses = None, []
    for epoch in range(6):
        for i in range(0, 40, 8):
            data, targets = d.data(text[i : i + 8]), d.data(text[i + 1 : i + 9].reshape(-1))
            model.zero_grad()
            hidden = None if hidden is None else tuple(h.detach() for h in hidden)
            output, hidden = model(data, hidden)
            loss = criterion(output.reshape(-1, 5), targets)
            loss.backward()
            d.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            for p in model.parameters():
                p.data += -5.0 * 0.9**epoch * p.grad
            losses.append(loss.item())
    return losses


def nano_gpt(d):
    """A GPT with tied embeddings, weight decay by group, a schedule, and accumulated gradients."""

    class Attention(d.nn.Module):
        def __init__(self, n_embd, n_head):
            super().__init__()
            self.c_attn, self.c_proj = d.nn.Linear(n_embd, 3 * n_embd), d.nn.Linear(n_embd, n_embd)
            self.n_head = n_head

        def forward(self, x):
            B, T, C = x.shape
            y = self.c_attn(x).reshape(B, T, 3, self.n_head, C // self.n_head)
            q, k, v = (y[:, :, i].swapaxes(1, 2) for i in range(3))  # (B, nh, T, hs)
            y = d.F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.c_proj(y.swapaxes(1, 2).reshape(B, T, C))

    class Block(d.nn.Module):
        def __init__(self, n_embd, n_head):
            super().__init__()
            self.ln_1, self.attn = d.nn.LayerNorm(n_embd), Attention(n_embd, n_head)
            self.ln_2 = d.nn.LayerNorm(n_embd)
            self.mlp = d.nn.Sequential(
                d.nn.Linear(n_embd, 4 * n_embd), d.nn.GELU(), d.nn.Linear(4 * n_embd, n_embd)
            )

        def forward(self, x):
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT(d.nn.Module):
        def __init__(self, vocab_size, block_size, n_layer, n_head, n_embd):
            super().__init__()
            self.transformer = d.nn.ModuleDict({
                "wte": d.nn.Embedding(vocab_size, n_embd),
                "wpe": d.nn.Embedding(block_size, n_embd),
                "h": d.nn.ModuleList([Block(n_embd, n_head) for _ in range(n_layer)]),
                "ln_f": d.nn.LayerNorm(n_embd),
            })  # fmt: skip
            self.lm_head = d.nn.Linear(n_embd, vocab_size, bias=False)
            self.transformer.wte.weight = self.lm_head.weight
            self.apply(self._init_weights)

        def _init_weights(self, module):
            if isinstance(module, d.nn.Linear):
                d.nn.init.normal_(module.weight, mean=0.0, std=0.02)
                if module.bias is not None:
                    d.nn.init.zeros_(module.bias)
            elif isinstance(module, d.nn.Embedding):
                d.nn.init.normal_(module.weight, mean=0.0, std=0.02)

        def forward(self, idx, targets):
            pos = d.data(np.arange(idx.shape[1]))
            x = self.transformer.wte(idx) + self.transformer.wpe(pos)
            for block in self.transformer.h:
                x = block(x)
            logits = self.lm_head(self.transformer.ln_f(x))
            return d.F.cross_entropy(
                logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), ignore_index=-1
            )

    model = d.begin(GPT(vocab_size=6, block_size=8, n_layer=2, n_head=2, n_embd=16))
    assert sum(p.numel() for p in model.parameters()) == 6 * 16 + 8 * 16 + 2 * 3280 + 32
    opt = d.optim.AdamW([
        {"params": [p for p in model.parameters() if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ], lr=2e-2, betas=(0.9, 0.95))  # fmt: skip
    schedule = d.optim.lr_scheduler.LambdaLR(
        opt, lambda it: min(1.0, (it + 1) / 3) * 0.5 * (1 + math.cos(math.pi * it / 34))
    )
    text = np.resize([0, 1, 2, 3, 4, 5, 3, 1], 80)
    losses = []
    for it in range(30):
        opt.zero_grad(set_to_none=True)
        for micro in range(2):
            rows = np.arange(4)[:, None] * 3 + np.arange(8) + 5 * micro + it
            targets = text[rows + 1]
            targets[0, :2] = -1
            loss = model(d.data(text[rows]), d.data(targets)) / 2
            loss.backward()
        d.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def dcgan(d):
    """Two networks and two optimizers; the fakes are detached for one of them."""

    def weights_init(m):
        name = m.__class__.__name__
        if name.find("Conv") != -1:
            d.nn.init.normal_(m.weight.data, 0.0, 0.02)
        elif name.find("BatchNorm") != -1:
            d.nn.init.normal_(m.weight.data, 1.0, 0.02)
            d.nn.init.constant_(m.bias.data, 0)

    generator = d.nn.Sequential(
        d.nn.ConvTranspose2d(5, 8, 4, 1, 0, bias=False), d.nn.BatchNorm2d(8), d.nn.ReLU(True),
        d.nn.ConvTranspose2d(8, 1, 4, 2, 1, bias=False), d.nn.Tanh(),
    )  # fmt: skip
    critic = d.nn.Sequential(
        d.nn.Conv2d(1, 8, 4, 2, 1, bias=False), d.nn.LeakyReLU(0.2, inplace=True),
        d.nn.Conv2d(8, 1, 4, 1, 0, bias=False), d.nn.Sigmoid(),
    )  # fmt: skip
    netG, netD = d.begin(generator.apply(weights_init)), d.begin(critic.apply(weights_init))
    optD = d.optim.Adam(netD.parameters(), lr=0.05, betas=(0.5, 0.999))
    optG = d.optim.Adam(netG.parameters(), lr=0.002, betas=(0.5, 0.999))
    criterion, rng, losses = d.nn.BCELoss(), np.random.default_rng(0), []
    real_label, fake_label = d.data(np.ones(6, np.float32)), d.data(np.zeros(6, np.float32))
    for _ in range(8):
        netD.zero_grad()
        real = d.data(np.sign(rng.normal(size=(6, 1, 8, 8))).astype(np.float32))
        errD_real = criterion(netD(real).reshape(-1), real_label)
        errD_real.backward()
        fake = netG(d.data(rng.normal(size=(6, 5, 1, 1)).astype(np.float32)))
        errD_fake = criterion(netD(fake.detach()).reshape(-1), fake_label)
        errD_fake.backward()
        optD.step()
        netG.zero_grad()
        errG = criterion(netD(fake).reshape(-1), real_label)
        errG.backward()
        optG.step()
        losses += [(errD_real + errD_fake).item(), errG.item()]
    return losses


def u_net(d):
    """Skip connections, padding to the skip's size, and a Dice term beside the cross-entropy."""

    def double_conv(i, o):
        return d.nn.Sequential(
            d.nn.Conv2d(i, o, kernel_size=3, padding=1, bias=False), d.nn.BatchNorm2d(o),
            d.nn.ReLU(inplace=True),
            d.nn.Conv2d(o, o, kernel_size=3, padding=1, bias=False), d.nn.BatchNorm2d(o),
            d.nn.ReLU(inplace=True),
        )  # fmt: skip

    class UNet(d.nn.Module):
        def __init__(self):
            super().__init__()
            self.inc, self.down = double_conv(1, 4), double_conv(4, 8)
            self.pool = d.nn.MaxPool2d(2)
            self.up = d.nn.ConvTranspose2d(8, 4, kernel_size=2, stride=2)
            self.conv, self.outc = double_conv(8, 4), d.nn.Conv2d(4, 2, kernel_size=1)

        def forward(self, x):
            x1 = self.inc(x)
            x2 = self.up(self.down(self.pool(x1)))
            dy, dx = x1.shape[2] - x2.shape[2], x1.shape[3] - x2.shape[3]
            x2 = d.F.pad(x2, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            return self.outc(self.conv(d.cat([x1, x2], 1)))

    rng = np.random.default_rng(0)
    mask = np.zeros((3, 9, 9), np.int64)
    mask[:, 2:6, 3:8] = 1
    image = (mask[:, None] + 0.3 * rng.normal(size=(3, 1, 9, 9))).astype(np.float32)
    model, x, y = d.begin(UNet()), d.data(image), d.data(mask)
    once = d.data((mask == 1).astype(np.float32))
    opt = d.optim.RMSprop(model.parameters(), lr=1e-3, weight_decay=1e-8, momentum=0.9)
    losses = []
    for _ in range(10):
        masks_pred = model(x)
        p = d.F.softmax(masks_pred, dim=1)[:, 1]
        loss = d.nn.CrossEntropyLoss()(masks_pred, y)
        loss += 1 - (2 * d.sum(p * once) + 1e-6) / (d.sum(p) + d.sum(once) + 1e-6)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    model.eval()
    with d.no_grad():
        losses.append(d.nn.CrossEntropyLoss()(model(x), y).item())
    return losses


def sn_gan(d):
    """A critic with spectral norms and the hinge loss; both of PyTorch's spectral norms."""
    old, sn = d.nn.utils.spectral_norm, d.nn.utils.parametrizations.spectral_norm
    critic = d.nn.Sequential(
        old(d.nn.Conv2d(1, 8, 3, padding=1)), d.nn.LeakyReLU(0.1),
        sn(d.nn.Conv2d(8, 8, 4, 2, 1)), d.nn.LeakyReLU(0.1),
        d.nn.Flatten(), old(d.nn.Linear(128, 1)),
    )  # fmt: skip
    generator = d.nn.Sequential(
        d.nn.ConvTranspose2d(4, 8, 4, 1, 0), d.nn.BatchNorm2d(8), d.nn.ReLU(True),
        sn(d.nn.ConvTranspose2d(8, 1, 4, 2, 1)), d.nn.Tanh(),
    )  # fmt: skip
    netD, netG = d.begin(critic), d.begin(generator)
    optD = d.optim.Adam(netD.parameters(), lr=1e-2, betas=(0.0, 0.9))
    optG = d.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.0, 0.9))
    rng, losses = np.random.default_rng(0), []
    for _ in range(8):
        real = d.data(np.sign(rng.normal(size=(6, 1, 8, 8))).astype(np.float32))
        z = d.data(rng.normal(size=(6, 4, 1, 1)).astype(np.float32))
        optD.zero_grad()
        fake = netG(z).detach()
        d_loss = d.F.relu(1.0 - netD(real)).mean() + d.F.relu(1.0 + netD(fake)).mean()
        d_loss.backward()
        optD.step()
        optG.zero_grad()
        g_loss = -netD(netG(z)).mean()
        g_loss.backward()
        optG.step()
        losses += [d_loss.item(), g_loss.item()]
    return losses


def wave_net(d):
    """Dilated convolutions with weight norm, which is removed for inference."""
    wn = d.nn.utils.weight_norm

    class Block(d.nn.Module):
        def __init__(self, channels, dilation):
            super().__init__()
            self.gate = wn(d.nn.Conv1d(channels, channels, 2, dilation=dilation))
            self.filter = wn(d.nn.Conv1d(channels, channels, 2, dilation=dilation))
            self.mix = wn(d.nn.Conv1d(channels, channels, 1))
            self.dilation = dilation

        def forward(self, x):
            h = d.F.pad(x, (self.dilation, 0))
            h = d.F.tanh(self.filter(h)) * d.F.sigmoid(self.gate(h))
            return x + self.mix(h)

    class WaveNet(d.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = d.nn.Embedding(6, 8)
            self.blocks = d.nn.ModuleList([Block(8, 2**i) for i in range(3)])
            self.last = d.nn.utils.parametrizations.weight_norm(d.nn.Conv1d(8, 6, 1))

        def forward(self, x):
            h = self.first(x).swapaxes(1, 2)
            for block in self.blocks:
                h = block(h)
            return self.last(d.F.relu(h))

        def remove_weight_norm(self):
            for block in self.blocks:
                for layer in block.children():
                    d.nn.utils.remove_weight_norm(layer)
            d.nn.utils.parametrize.remove_parametrizations(self.last, "weight")

    text = np.resize([0, 1, 2, 3, 4, 5, 3, 1], (4, 33))
    x, y = d.data(text[:, :-1].copy()), d.data(text[:, 1:].copy())
    model, losses = d.begin(WaveNet()), []
    opt = d.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(20):
        opt.zero_grad()
        loss = d.F.cross_entropy(model(x), y)
        loss.backward()
        d.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        losses.append(loss.item())
    model.eval()
    model.remove_weight_norm()
    assert "blocks.0.gate.weight" in model.state_dict()
    with d.no_grad():
        losses.append(d.F.cross_entropy(model(x), y).item())
    return losses


def adaptive_language_model(d):
    """A word-level model whose softmax has clusters of rare words."""

    class Model(d.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn = d.nn.Embedding(30, 12), d.nn.GRU(12, 16, batch_first=True)
            self.softmax = d.nn.AdaptiveLogSoftmaxWithLoss(16, 30, [5, 15], div_value=2.0)

        def forward(self, x, y):
            h, _ = self.rnn(self.embed(x))
            return self.softmax(h.reshape(-1, 16), y.reshape(-1)).loss

    text = np.resize([0, 1, 7, 2, 20, 3, 4, 29, 1, 12], 101)
    x, y = d.data(text[:-1].reshape(4, 25)), d.data(text[1:].reshape(4, 25))
    model, losses = d.begin(Model()), []
    opt = d.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(25):
        opt.zero_grad()
        loss = model(x, y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


def averaged_weights(d):
    """Stochastic weight averaging, new batch statistics, and weights that a hook bounds."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 96)
    x = (rng.normal(size=(3, 5))[y] + 0.3 * rng.normal(size=(96, 5))).astype(np.float32)
    batches = [(d.data(x[i : i + 16]), d.data(y[i : i + 16])) for i in range(0, 96, 16)]
    model = d.begin(
        d.nn.Sequential(
            d.nn.Linear(5, 8), d.nn.BatchNorm1d(8), d.nn.ReLU(), d.nn.Linear(8, 3)
        )
    )  # fmt: skip
    opt = d.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)

    def bound(optimizer, args, kwargs):
        d.nn.utils.vector_to_parameters(
            d.nn.utils.parameters_to_vector(model.parameters()).clip(-1, 1), model.parameters()
        )

    opt.register_step_post_hook(bound)
    averaged = d.optim.swa_utils.AveragedModel(model)
    annealed = d.optim.swa_utils.SWALR(opt, swa_lr=0.05, anneal_epochs=3)
    losses = []
    for epoch in range(8):
        for xb, yb in batches:
            opt.zero_grad()
            loss = d.F.cross_entropy(model(xb), yb)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        if epoch > 2:
            averaged.update_parameters(model)
            annealed.step()
    d.optim.swa_utils.update_bn(batches, averaged)
    averaged.eval()
    with d.no_grad():
        losses.append(d.F.cross_entropy(averaged(d.data(x)), d.data(y)).item())
    return losses


PROGRAMS = {
    what_is_torch_nn: 0.2,
    word_language_model: 0.3,
    nano_gpt: 0.6,
    u_net: 0.8,
    wave_net: 0.5,
    adaptive_language_model: 0.5,
    averaged_weights: 0.4,
}
"""Program -> the share of its first loss that its last training loss stays below."""


@pytest.mark.trains
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_tutorials_program_learns(program):
    autograd.seed(0)
    losses = program(glassgrad())
    assert np.isfinite(losses).all()
    assert losses[-2 if program is u_net else -1] < PROGRAMS[program] * losses[0]


@pytest.mark.trains
def test_a_gans_critic_learns_to_tell_fakes_from_data():
    autograd.seed(0)
    losses = dcgan(glassgrad())
    assert min(losses[::2]) < 0.7 * losses[0]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
@pytest.mark.parametrize("program", [*PROGRAMS, dcgan, sn_gan])
def test_a_tutorials_program_has_pytorchs_losses(program):
    autograd.seed(0)
    ours = glassgrad()
    losses = program(ours)
    np.testing.assert_allclose(losses, program(pytorch(ours.starts)), rtol=1e-3, atol=1e-5)
