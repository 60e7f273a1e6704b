# Goldens for eigenvalues, parallel analysis, MAP, the empirical Kaiser criterion, KMO and Bartlett's test.
# Run in this folder: Rscript make.R   (reads the data of ../efa)
suppressMessages({library(psych); library(semTools); library(jsonlite)})
out <- list()
for (name in c("clean", "ordinal", "reversed", "near", "holes")) {
  x <- read.csv(file.path("..", "efa", paste0(name, ".csv")))
  r <- cor(x, use = "pairwise"); n <- nrow(x); p <- ncol(x)
  one <- fa(r, 1, rotate = "none", n.obs = n)
  map <- suppressWarnings(vss(r, n = p - 1, rotate = "none", n.obs = n, plot = FALSE)$map)
  k <- KMO(r); b <- cortest.bartlett(r, n = n)
  e <- eigen(r)$values
  out[[name]] <- list(components = e, one_factor_loadings = as.numeric(one$loadings), factors = one$values, map = map,
                      kmo = k$MSA, msa = unname(k$MSAi), bartlett = list(chisq = b$chisq, df = b$df, p = b$p.value))
  if (name != "holes") out[[name]]$ekc <- capture.output(ek <- efa.ekc(x, plot = FALSE)) else NULL
  if (name != "holes") out[[name]]$ekc <- list(reference = ek[, 2], eigenvalues = ek[, 1])
}
set.seed(7)
x <- read.csv("../efa/clean.csv")
pa <- suppressWarnings(fa.parallel(x, n.iter = 400, plot = FALSE, fa = "both"))
out$parallel <- list(n_factors = pa$nfact, n_components = pa$ncomp, pc_sim = pa$pc.sim, fa_sim = pa$fa.sim,
                     pc_perm = pa$pc.simr, fa_perm = pa$fa.simr)
q <- colMeans(pa$values[, 0]); values <- pa$values
out$parallel$columns <- colnames(values)
set.seed(8)
o <- read.csv("../efa/ordinal.csv")
po <- suppressWarnings(suppressMessages(fa.parallel(o, n.iter = 20, plot = FALSE, fa = "both", cor = "poly")))
out$parallel_poly <- list(n_factors = po$nfact, n_components = po$ncomp, pc_values = po$pc.values, pc_sim = po$pc.sim,
                          pc_perm = po$pc.simr, fa_sim = po$fa.sim, fa_perm = po$fa.simr)
write_json(out, "golden.json", digits = 12, auto_unbox = TRUE, matrix = "rowmajor", na = "null")
writeLines(c(R.version.string, paste("psych", packageVersion("psych")), paste("semTools", packageVersion("semTools"))), "VERSIONS")
