// Whole next-token distributions from llama.cpp, for compare-distributions, which compiles this
// against the headers and libraries of a llama.cpp build.
//
//   llama_logits MODEL tokenize TEXT_FILE OUTPUT
//       OUTPUT: the text's tokens, int32 each, no special tokens added or recognised
//   llama_logits MODEL logits TOKENS_FILE OUTPUT BATCH UBATCH FLASH REPACK THREADS [ADAPTER]
//       OUTPUT: float [T, V]; row t = the logits behind token t, computed from those up to it.
//       FLASH: -1 automatic, 0 off, 1 on. REPACK: 0 or 1. ADAPTER: a LoRA adapter's GGUF file.
//       With LLAMA_LOGITS_CACHE=f32 in the environment keys and values are float32, not float16.

#include "llama.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void quiet(enum ggml_log_level level, const char *text, void *user) {
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static void fail(const char *message, const char *subject) {
    fprintf(stderr, "llama_logits: %s: %s\n", message, subject);
    exit(1);
}

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail("cannot read", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size) fail("cannot read", path);
    bytes[*size] = 0;
    fclose(file);
    return bytes;
}

static void tokenize(const struct llama_model *model, const char *text_path, FILE *output) {
    size_t size;
    char *text = read_file(text_path, &size);
    int32_t capacity = (int32_t)size + 16;
    llama_token *tokens = malloc(sizeof(llama_token) * (size_t)capacity);
    const struct llama_vocab *vocab = llama_model_get_vocab(model);
    int32_t count = llama_tokenize(vocab, text, (int32_t)size, tokens, capacity, false, false);
    if (count < 0) fail("cannot tokenize", text_path);
    fwrite(tokens, sizeof(llama_token), (size_t)count, output);
}

static void write_logits(struct llama_context *context, const llama_token *tokens, int32_t count,
                         int32_t batch_size, int32_t vocabulary_size, FILE *output) {
    struct llama_batch batch = llama_batch_init(batch_size, 0, 1);
    for (int32_t start = 0; start < count; start += batch_size) {
        int32_t size = count - start < batch_size ? count - start : batch_size;
        batch.n_tokens = size;
        for (int32_t i = 0; i < size; i++) {
            batch.token[i] = tokens[start + i];
            batch.pos[i] = start + i;
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = 1;
        }
        if (llama_decode(context, batch) != 0) fail("decode failed", "batch");
        for (int32_t i = 0; i < size; i++) {
            const float *row = llama_get_logits_ith(context, i);
            size_t written = fwrite(row, sizeof(float), (size_t)vocabulary_size, output);
            if (written != (size_t)vocabulary_size) fail("cannot write", "logits");
        }
    }
    llama_batch_free(batch);
}

static void adapt(struct llama_context *context, struct llama_model *model, const char *path) {
    struct llama_adapter_lora *adapter = llama_adapter_lora_init(model, path);
    float scale = 1.0f;
    if (!adapter || llama_set_adapters_lora(context, &adapter, 1, &scale) != 0) {
        fail("cannot use the adapter", path);
    }
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 10 && argc != 11) {
        fail("see the head of llama_logits.c for the", "arguments");
    }
    int is_tokenizing = strcmp(argv[2], "tokenize") == 0;
    llama_log_set(quiet, NULL);
    llama_backend_init();
    struct llama_model_params model_params = llama_model_default_params();
    model_params.n_gpu_layers = 0;
    model_params.vocab_only = is_tokenizing;
    if (!is_tokenizing) model_params.use_extra_bufts = atoi(argv[8]) != 0;
    struct llama_model *model = llama_model_load_from_file(argv[1], model_params);
    if (!model) fail("cannot load", argv[1]);
    FILE *output = fopen(argv[4], "wb");
    if (!output) fail("cannot write", argv[4]);
    if (is_tokenizing) {
        tokenize(model, argv[3], output);
    } else {
        size_t size;
        const llama_token *tokens = (const llama_token *)read_file(argv[3], &size);
        int32_t count = (int32_t)(size / sizeof(llama_token));
        struct llama_context_params params = llama_context_default_params();
        params.n_ctx = (uint32_t)count;
        params.n_batch = (uint32_t)atoi(argv[5]);
        params.n_ubatch = (uint32_t)atoi(argv[6]);
        params.flash_attn_type = (enum llama_flash_attn_type)atoi(argv[7]);
        params.n_threads = params.n_threads_batch = atoi(argv[9]);
        const char *cache = getenv("LLAMA_LOGITS_CACHE");
        if (cache && strcmp(cache, "f32") == 0) params.type_k = params.type_v = GGML_TYPE_F32;
        struct llama_context *context = llama_init_from_model(model, params);
        if (!context) fail("cannot make a context for", argv[1]);
        if (argc == 11) adapt(context, model, argv[10]);
        int32_t vocabulary_size = llama_vocab_n_tokens(llama_model_get_vocab(model));
        write_logits(context, tokens, count, atoi(argv[5]), vocabulary_size, output);
    }
    return fclose(output) == 0 ? 0 : 1;
}
